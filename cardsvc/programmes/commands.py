"""`sesame programme`, `funder`, `envelope`: checking, trying, publishing, and the money for it."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from cardsvc.people.model import Beneficiary
from cardsvc.programmes.checking import check
from cardsvc.programmes.dry_run import DryRun, PersonAnswer, dry_run, explain_person
from cardsvc.programmes.envelopes import (
    Address,
    EnvelopeBalance,
    add_funder,
    fund_envelope,
    list_envelopes,
    list_funders,
    open_envelope,
)
from cardsvc.programmes.publishing import Publication, publish
from cardsvc.programmes.reading import MAX_BYTES
from cardsvc.programmes.reasons import BeneficiaryUnknown, ProgrammeFileInvalid, PublisherUnknown
from cardsvc.programmes.rules import Programme
from cardsvc.programmes.shape import schema_text
from cardsvc.programmes.wording import _
from sesame.platform.clock import day_in
from sesame.platform.command import print_answer, process
from sesame.platform.database import unit_of_work
from sesame.platform.identity.model import IdentityRow
from sesame.platform.money import format_cents, parse_cents
from sesame.platform.scheme import current_scheme

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def programme() -> None:
    """Programmes: rules as files (docs/programmes.md)."""


@programme.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of a programme's file.

    Example: sesame programme schema > programme.schema.json
    """
    click.echo(schema_text(), nl=False)


@programme.command("check")
@_FILE
@_JSON
def check_command(file: Path, as_json: bool) -> None:
    """Check a file alone, without a database; exit 1 with every problem.

    Example: sesame programme check programmes/exemple-manuels.yaml
    """
    rules = _checked(file, as_json)
    print_answer(
        {"programme": rules.slug, "season": rules.season.name, "problems": []},
        as_json=as_json,
        text=_("%(file)s : rien à redire.", file=file.name),
    )


@programme.command("dry-run")
@_FILE
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day; today if left out.")
@click.option("--beneficiary-id", type=click.UUID, help="Say why or why not for this person.")
@click.option("--ine-from-stdin", is_flag=True, help="The same, for the INE read from stdin.")
@_JSON
def dry_run_command(
    file: Path,
    on: datetime | None,
    beneficiary_id: UUID | None,
    ine_from_stdin: bool,
    as_json: bool,
) -> None:
    """Say what publishing would grant, without changing anything.

    Example: sesame programme dry-run programmes/exemple-manuels.yaml --json
    """
    rules = _checked(file, as_json)
    here = process()
    with here.database.sessions() as session:
        day = (
            on.date() if on is not None else day_in(current_scheme(session).zone, here.clock.now())
        )
        if ine_from_stdin:
            beneficiary_id = _by_ine(session, sys.stdin.readline().strip())
        if beneficiary_id is not None:
            answers = explain_person(session, rules, beneficiary_id, day)
            print_answer(
                [_answer_json(each) for each in answers],
                as_json=as_json,
                text="\n".join(_answer_text(each) for each in answers),
            )
            return
        found = dry_run(session, rules, day)
    print_answer(_dry_run_json(found), as_json=as_json, text=_dry_run_text(found))


@programme.command("publish")
@_FILE
@click.option("--as", "login", help="The login of the officer who publishes.")
@_JSON
def publish_command(file: Path, login: str | None, as_json: bool) -> None:
    """Publish a file as the programme's next version, and grant to all who are eligible.

    Publishing the same file again changes nothing.

    Example: sesame programme publish programmes/exemple-manuels.yaml --as officer
    """
    rules = _checked(file, as_json)
    here = process()
    with unit_of_work(here.database) as session:
        by = _officer(session, login) if login is not None else None
        done = publish(session, rules, by=by, at=here.clock.now())
    print_answer(
        _publication_json(rules, done), as_json=as_json, text=_publication_text(rules, done)
    )


@click.group()
def funder() -> None:
    """Funders: the public bodies that set money aside."""


@funder.command("add")
@click.option("--code", required=True, help="A short name for ever, such as region.")
@click.option("--name", required=True, help="As bank files show it.")
@click.option("--siren", required=True, help="The SIREN of the funder: nine digits.")
@click.option("--iban", required=True, help="The account that payments leave from.")
@click.option("--bic", required=True, help="The BIC of the bank.")
@click.option("--street", help="Number and street.")
@click.option("--postal-code", help="Of the bank file's address.")
@click.option("--town", help="Of the bank file's address.")
@click.option("--country", default="FR", show_default=True, help="Two letters.")
@_JSON
def add_funder_command(
    code: str,
    name: str,
    siren: str,
    iban: str,
    bic: str,
    street: str | None,
    postal_code: str | None,
    town: str | None,
    country: str,
    as_json: bool,
) -> None:
    """Add a funder; the same again changes nothing.

    Example: sesame funder add --code region --name "Région Exemple" --siren 732829320
    --iban FR7630006000011234567890189 --bic AGRIFRPPXXX --town Exemple
    """
    here = process()
    with unit_of_work(here.database) as session:
        funder_id = add_funder(
            session,
            code=code,
            name=name,
            siren=siren,
            iban=iban,
            bic=bic,
            address=Address(street, postal_code, town, country),
            at=here.clock.now(),
        )
    print_answer({"funder_id": funder_id, "code": code}, as_json=as_json, text=f"{code}  {name}")


@funder.command("list")
@_JSON
def list_funders_command(as_json: bool) -> None:
    """List the funders.

    Example: sesame funder list --json
    """
    with process().database.sessions() as session:
        rows = list_funders(session)
    print_answer(
        [{"funder_id": each.id, "code": each.code, "name": each.name} for each in rows],
        as_json=as_json,
        text="\n".join(f"{each.code}  {each.name}" for each in rows),
    )


@click.group()
def envelope() -> None:
    """Envelopes: a funder's money for one programme."""


@envelope.command("open")
@click.option("--funder", "funder_code", required=True, help="The funder's code.")
@click.option("--programme", "slug", required=True, help="The programme's short name.")
@click.option(
    "--may-owe", default="0", show_default=True, help="Euros below zero, such as 5000.00."
)
@_JSON
def open_command(funder_code: str, slug: str, may_owe: str, as_json: bool) -> None:
    """Open the envelope of a funder that is called on for what was spent.

    Funding opens one as well, which never goes below zero.

    Example: sesame envelope open --funder departement --programme exemple-manuels
    --may-owe 56000.00
    """
    here = process()
    with unit_of_work(here.database) as session:
        opened = open_envelope(
            session,
            funder=funder_code,
            programme=slug,
            may_owe_cents=parse_cents(may_owe),
            at=here.clock.now(),
        )
    print_answer(_envelope_json(opened), as_json=as_json, text=_envelope_text(opened))


@envelope.command("fund")
@click.option("--funder", "funder_code", required=True, help="The funder's code.")
@click.option("--programme", "slug", required=True, help="The programme's short name.")
@click.option("--amount", required=True, help="Euros, such as 140000.00.")
@click.option("--key", required=True, help="A key of yours: the same again moves nothing more.")
@_JSON
def fund_command(funder_code: str, slug: str, amount: str, key: str, as_json: bool) -> None:
    """Set money aside for a programme.

    Example: sesame envelope fund --funder region --programme exemple-manuels
    --amount 140000.00 --key budget-2026
    """
    here = process()
    with unit_of_work(here.database) as session:
        held = fund_envelope(
            session,
            funder=funder_code,
            programme=slug,
            amount_cents=parse_cents(amount),
            key=key,
            at=here.clock.now(),
        )
    print_answer(_envelope_json(held), as_json=as_json, text=_envelope_text(held))


@envelope.command("list")
@_JSON
def list_envelopes_command(as_json: bool) -> None:
    """List the envelopes and what they hold.

    Example: sesame envelope list --json
    """
    with process().database.sessions() as session:
        rows = list_envelopes(session)
    print_answer(
        [_envelope_json(each) for each in rows],
        as_json=as_json,
        text="\n".join(_envelope_text(each) for each in rows),
    )


def _checked(file: Path, as_json: bool) -> Programme:
    """Return the file's rules; print its problems and exit 1 when it has any."""
    with file.open("rb") as opened:
        raw = opened.read(MAX_BYTES + 1)
    try:
        return check(raw)
    except ProgrammeFileInvalid as invalid:
        lines = [
            f"{file.name}:{each.line}: {each.where() or '.'}: {each.sentence} [{each.code}]"
            for each in invalid.problems
        ]
        print_answer(
            {"code": invalid.code, "problems": invalid.figures["problems"]},
            as_json=as_json,
            text="\n".join([*lines, invalid.sentence()]),
        )
        raise SystemExit(1) from None


def _by_ine(session: Session, ine: str) -> UUID:
    found = session.scalar(select(Beneficiary.id).where(Beneficiary.ine == ine))
    if found is None:
        raise BeneficiaryUnknown()
    return found


def _officer(session: Session, login: str) -> UUID:
    found = session.scalar(
        select(IdentityRow.id).where(
            IdentityRow.login == login, IdentityRow.role == "officer", IdentityRow.active.is_(True)
        )
    )
    if found is None:
        raise PublisherUnknown()
    return found


def _answer_json(answer: PersonAnswer) -> dict[str, Any]:
    return {
        "line": answer.line,
        "eligible": answer.ok,
        "conditions": [
            {"depth": depth, "sentence": sentence}
            for depth, sentence in answer.explanation.sentences()
        ],
    }


def _answer_text(answer: PersonAnswer) -> str:
    told = [f"{'  ' * depth}  {sentence}" for depth, sentence in answer.explanation.sentences()]
    return "\n".join([f"{answer.line}:", *told])


def _dry_run_json(found: DryRun) -> dict[str, Any]:
    return {
        "on": found.on.isoformat(),
        "people": found.people,
        "total_cents": found.total_cents,
        "lines": [vars(each) for each in found.lines],
        "by_grade": [vars(each) for each in found.by_grade],
        "by_department": [vars(each) for each in found.by_department],
        "envelopes": [vars(each) for each in found.envelopes],
    }


def _dry_run_text(found: DryRun) -> str:
    lines = [
        _(
            "Au %(day)s : %(people)s personnes, %(total)s à attribuer.",
            day=found.on.isoformat(),
            people=found.people,
            total=format_cents(found.total_cents),
        )
    ]
    for each in found.lines:
        lines.append(
            f"  {each.line:<24} {each.people:>8} − {each.already} = {each.to_grant:>8}"
            f"  {format_cents(each.total_cents):>16}"
        )
    for title, groups in ((_("classe"), found.by_grade), (_("département"), found.by_department)):
        for group in groups:
            lines.append(
                f"  {title} {group.value or '?':<12} {group.people:>8}"
                f"  {format_cents(group.total_cents):>16}"
            )
    for need in found.envelopes:
        held = "—" if need.available_cents is None else format_cents(need.available_cents)
        lines.append(f"  {need.funder:<24} {format_cents(need.needed_cents):>16} / {held}")
    return "\n".join(lines)


def _publication_json(rules: Programme, done: Publication) -> dict[str, Any]:
    return {
        "programme": rules.slug,
        "version_id": done.version_id,
        "version": done.number,
        "unchanged": done.unchanged,
        "grants": [vars(each) for each in done.grants],
    }


def _publication_text(rules: Programme, done: Publication) -> str:
    if done.unchanged and not done.grants:
        return _(
            "%(slug)s : déjà publié à l'identique (version %(number)s), rien n'a changé.",
            slug=rules.slug,
            number=done.number,
        )
    said = (
        _(
            "%(slug)s : déjà publié à l'identique (version %(number)s) ; attribué depuis :",
            slug=rules.slug,
            number=done.number,
        )
        if done.unchanged
        else _("%(slug)s : version %(number)s publiée.", slug=rules.slug, number=done.number)
    )
    lines = [said]
    lines += [
        f"  {each.line:<24} {each.people:>8}  {format_cents(each.total_cents):>16}"
        for each in done.grants
    ]
    return "\n".join(lines)


def _envelope_json(held: EnvelopeBalance) -> dict[str, Any]:
    return vars(held)


def _envelope_text(held: EnvelopeBalance) -> str:
    return f"{held.programme:<32} {held.funder:<20} {format_cents(held.balance_cents):>20}"
