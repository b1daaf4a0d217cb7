"""`sesame ledger fec | rendering | liquidation | call-for-funds`: what public accounting asks for."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from ledger.accounting import call_files, liquidation_files
from ledger.accounting.calls import call_for_funds
from ledger.accounting.documents import Document
from ledger.accounting.fec import description, fec, file_name, last_day
from ledger.accounting.liquidation import liquidation
from ledger.accounting.mandate import mandate
from ledger.accounting.rendering_archive import Mandatary, write_rendering
from ledger.statements.commands import one_snapshot, out_option, write_out
from ledger.statements.moments import parse_moment, year_of
from ledger.statements.words import amount
from sesame.platform.command import print_answer, process
from sesame.platform.database import unit_of_work
from sesame.platform.scheme import current_scheme

_envelopes = click.option(
    "--envelope", "envelopes", type=click.UUID, multiple=True, required=True,
    help="An envelope's account; repeat it for each of the mandate.",
)  # fmt: skip
_year = click.option("--year", type=click.IntRange(2000, 2199), required=True, help="The year.")
_siren = click.option("--siren", required=True, help="The operator's SIREN.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_documents = click.option(
    "--document", "documents", multiple=True, metavar="FILE NATURE DAY",
    type=(
        click.Path(exists=True, dir_okay=False, path_type=Path), str, click.DateTime(["%Y-%m-%d"])
    ),
    help="A supporting document, what it is, and its date; may be repeated.",
)  # fmt: skip
_format = click.option(
    "--format", "kind", type=click.Choice(["json", "csv", "pdf"]), default="json",
    help="What to write.",
)  # fmt: skip


@click.command("fec")
@_envelopes
@_year
@_siren
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder."
)
@_json
def fec_command(
    envelopes: tuple[UUID, ...], year: int, siren: str, out: Path, as_json: bool
) -> None:
    """Write a mandate's journal of a year as the legal FEC, and the description that goes with it.

    Example: sesame ledger fec --envelope 0198c0de-0000-7000-8000-000000000000 --year 2026
    --siren 732829320 --out fec-2026
    """
    here = process()
    with here.database.sessions() as session:
        one_snapshot(session)
        zone = current_scheme(session).zone
        since, before = year_of(year, zone)
        of = mandate(session, envelopes, since=since, before=before)
        journal = out / file_name(siren, last_day(of, zone))
        told = journal.with_name(f"{journal.stem}-description.txt")
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = 0
        with journal.open("wb") as file:
            for line in fec(session, of, zone=zone):
                file.write(line)
                lines += 1
        told.write_bytes(description(of, zone=zone))
    answer = {"journal": str(journal), "description": str(told), "lines": lines - 1}
    print_answer(answer, as_json=as_json, text=f"{journal}\n{told}\n{lines - 1} lines")


@click.command("rendering")
@_envelopes
@_year
@_siren
@click.option("--operator", required=True, help="The mandatary's name.")
@click.option("--principal", required=True, help="Whose money it pays with.")
@_documents
@click.option("--last", is_flag=True, help="The mandate is over: these are its last accounts.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The ZIP to write.",
)
@_json
def rendering_command(
    envelopes: tuple[UUID, ...],
    year: int,
    siren: str,
    operator: str,
    principal: str,
    documents: tuple[tuple[Path, str, datetime], ...],
    last: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Render a mandate's accounts of a year: figures, journal, documents and a summary, in one ZIP.

    Example: sesame ledger rendering --envelope 0198c0de-0000-7000-8000-000000000000 --year 2026
    --siren 732829320 --operator "Carte Jeune SAS" --principal "Région Val-d'Ambre"
    --document convention.pdf Convention 2025-11-03 --out reddition-2026.zip
    """
    here = process()
    with here.database.sessions() as session:
        one_snapshot(session)
        scheme = current_scheme(session)
        since, before = year_of(year, scheme.zone)
        accounts, filed = write_rendering(
            session,
            mandate(session, envelopes, since=since, before=before),
            out,
            by=Mandatary(operator, siren, principal, scheme.name),
            zone=scheme.zone,
            documents=_read(documents),
            ended=last,
        )
    answer = {
        "archive": str(out),
        "received_cents": accounts.cash.received_cents,
        "paid_cents": accounts.cash.paid_cents,
        "held_cents": accounts.cash.closing_cents,
        "spent_cents": accounts.spent_cents,
        "files": [{"name": each.name, "sha256": each.sha256} for each in filed],
    }
    held = amount(accounts.cash.closing_cents)
    print_answer(answer, as_json=as_json, text=f"{out}\n{len(filed)} files, {held} in the bank")


@click.command("liquidation")
@_envelopes
@click.option("--from", "since", required=True, metavar="ISO", help="First moment.")
@click.option(
    "--to", "before", required=True, metavar="ISO", help="The moment that ends it, left out."
)
@click.option("--authority", default="", help="Who orders the payment (for the PDF).")
@click.option("--heading", default="", help="The heading of annexe I of D1617-19 (for the PDF).")
@_documents
@_format
@out_option
def liquidation_command(
    envelopes: tuple[UUID, ...],
    since: str,
    before: str,
    authority: str,
    heading: str,
    documents: tuple[tuple[Path, str, datetime], ...],
    kind: str,
    out: Path | None,
) -> None:
    """Write what is due to each payee for a period, for the public accountant to pay.

    Example: sesame ledger liquidation --envelope 0198c0de-0000-7000-8000-000000000000
    --from 2026-09-01 --to 2026-10-01 --format pdf --authority "Région Val-d'Ambre" --out etat.pdf
    """
    here = process()
    with here.database.sessions() as session:
        one_snapshot(session)
        scheme = current_scheme(session)
        of = mandate(
            session,
            envelopes,
            since=parse_moment(since, scheme.zone),
            before=parse_moment(before, scheme.zone),
        )
        made = liquidation(session, of)
    joined = _read(documents)
    _write(
        kind,
        out,
        lambda: liquidation_files.as_json(made, documents=joined),
        lambda: liquidation_files.as_csv(made, zone=scheme.zone),
        lambda: liquidation_files.as_pdf(
            made,
            zone=scheme.zone,
            scheme_name=scheme.name,
            authority=authority,
            heading=heading,
            documents=joined,
        ),
    )


@click.command("call-for-funds")
@click.option("--envelope", type=click.UUID, required=True, help="The envelope that is called.")
@click.option("--paying", type=click.UUID, required=True, help="The envelope that paid.")
@click.option("--before", metavar="ISO", help="Spending that counts before. Default: now.")
@click.option("--funder", default="", help="Who is asked (for the PDF).")
@click.option("--payer", default="", help="Who paid, and asks (for the PDF).")
@_format
@out_option
def call_command(
    envelope: UUID,
    paying: UUID,
    before: str | None,
    funder: str,
    payer: str,
    kind: str,
    out: Path | None,
) -> None:
    """Call another funder for what it bears and was not asked for yet; the call is kept.

    Example: sesame ledger call-for-funds --envelope 0198c0de-0000-7000-8000-000000000000
    --paying 0198c0de-0000-7000-8000-000000000001 --before 2026-10-01 --format pdf --out appel.pdf
    """
    here = process()
    now = here.clock.now()
    with unit_of_work(here.database) as session:
        scheme = current_scheme(session)
        counted = now if before is None else parse_moment(before, scheme.zone)
        made = call_for_funds(session, envelope, paying, counted_before=counted, at=now)
    _write(
        kind,
        out,
        lambda: call_files.as_json(made),
        lambda: call_files.as_csv(made, zone=scheme.zone),
        lambda: call_files.as_pdf(
            made, zone=scheme.zone, scheme_name=scheme.name, funder=funder, payer=payer
        ),
    )


COMMANDS = (fec_command, rendering_command, liquidation_command, call_command)


def _write(
    kind: str,
    out: Path | None,
    as_json: Callable[[], dict[str, Any]],
    as_csv: Callable[[], bytes],
    as_pdf: Callable[[], bytes],
) -> None:
    if kind == "json":
        write_out([json.dumps(as_json(), ensure_ascii=False).encode(), b"\n"], out)
    else:
        write_out([as_csv() if kind == "csv" else as_pdf()], out)


def _read(documents: tuple[tuple[Path, str, datetime], ...]) -> list[Document]:
    return [
        Document(path.name, nature, dated.replace(tzinfo=UTC).date(), path.read_bytes())
        for path, nature, dated in documents
    ]
