"""`sesame ledger statement`: an account's statement, to read, to import or to file."""

import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.statements.files import as_csv, as_json, as_pdf
from ledger.statements.moments import parse_moment
from ledger.statements.statement import Clock, Statement, statement
from ledger.statements.words import KIND_WORDS, amount, minute
from sesame.platform.command import process
from sesame.platform.scheme import current_scheme

out_option = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file to write."
)


@click.command("statement")
@click.argument("account", type=click.UUID)
@click.option("--from", "since", metavar="ISO", help="First moment. Default: the beginning.")
@click.option(
    "--to", "before", metavar="ISO", help="The moment that ends it, left out. Default: now."
)
@click.option(
    "--clock", type=click.Choice(["counted", "recorded"]), default="counted",
    help="By when transfers count, or by when they were recorded.",
)  # fmt: skip
@click.option("--known", metavar="ISO", help="As it was known at that moment. Default: now.")
@click.option(
    "--format", "kind", type=click.Choice(["text", "json", "csv", "pdf"]), default="text",
    help="What to write.",
)  # fmt: skip
@click.option("--json", "as_json_too", is_flag=True, help="The same as --format json.")
@out_option
def statement_command(
    account: UUID,
    since: str | None,
    before: str | None,
    clock: Clock,
    known: str | None,
    kind: str,
    as_json_too: bool,
    out: Path | None,
) -> None:
    """Print the statement of an account: what it held, what moved, what it holds.

    Moments are days or hours in the scheme's zone.

    Example: sesame ledger statement 0198c0de-0000-7000-8000-000000000000 --from 2026-09-01
    --to 2026-10-01 --format csv --out septembre.csv
    """
    here = process()
    with here.database.sessions() as session:
        one_snapshot(session)
        scheme = current_scheme(session)
        told = statement(
            session,
            account,
            since=_moment(since, scheme.zone),
            before=_moment(before, scheme.zone) or here.clock.now(),
            clock=clock,
            known_before=_moment(known, scheme.zone),
        )
        if as_json_too or kind == "json":
            write_out((each.encode() for each in as_json(told)), out, end=b"\n")
        elif kind == "csv":
            write_out((each.encode() for each in as_csv(told, scheme.zone)), out)
        elif kind == "pdf":
            write_out([as_pdf(told, scheme.zone, scheme_name=scheme.name)], out)
        else:
            write_out((f"{line}\n".encode() for line in _as_text(told, scheme.zone)), out)


def one_snapshot(session: Session) -> None:
    """Have everything that `session` reads from now on tell of the same moment."""
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))


def write_out(chunks: Iterable[bytes], out: Path | None, *, end: bytes = b"") -> None:
    """Write to the file `out`, which no one else may read, or to the standard output."""
    if out is None:
        stream = sys.stdout.buffer
        for chunk in chunks:
            stream.write(chunk)
        stream.write(end)
        stream.flush()
        return
    out.touch(mode=0o600)
    with out.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
    click.echo(str(out))


def _moment(typed: str | None, zone: ZoneInfo) -> datetime | None:
    return None if typed is None else parse_moment(typed, zone)


def _as_text(told: Statement, zone: ZoneInfo) -> Iterable[str]:
    yield f"{'':16}  {'Solde d’ouverture':32} {'':>14} {amount(told.opening, told.asset):>14}"
    closing = told.opening
    for line in told.lines:
        moved = amount(line.amount, told.asset)
        held = amount(line.balance, told.asset)
        yield f"{minute(line.counts_at, zone)}  {KIND_WORDS[line.kind]:32} {moved:>14} {held:>14}"
        closing = line.balance
    yield f"{'':16}  {'Solde de clôture':32} {'':>14} {amount(closing, told.asset):>14}"
