"""`sesame merchant import` and `sesame convention`: joining, and the life of an agreement."""

import json
from pathlib import Path

import click
from flask_babel import gettext as _

from merchants.conventions.joining import join_from_file
from merchants.conventions.lifecycle import change_state
from merchants.directory.commands import merchant
from merchants.directory.reasons import MerchantFileRefused
from merchants.directory.register import merchant_by_siren
from sesame.platform.command import print_answer, process
from sesame.platform.database import unit_of_work


@merchant.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--activate", is_flag=True, help="Make the conventions active at once.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, the errors too.")
def import_command(file: Path, activate: bool, as_json: bool) -> None:
    """Register the merchants, sites and payees of a CSV file: all of them, or none.

    Every wrong field is told with its line and reason, and then nothing is imported.

    Example: sesame merchant import merchants.csv --activate
    """
    running = process()
    try:
        with unit_of_work(running.database) as session:
            joined = join_from_file(
                session, file.read_bytes(), activate=activate, at=running.clock.now()
            )
    except MerchantFileRefused as refused:
        _tell_refused(refused, as_json=as_json)
        raise
    print_answer(
        {
            "merchants": joined.merchants,
            "sites": joined.sites,
            "conventions": joined.conventions,
            "convention_state": "active" if activate else "draft",
        },
        as_json=as_json,
        text=_(
            "%(merchants)s partenaires, %(sites)s points d'accueil et %(conventions)s conventions "
            "enregistrés.",
            merchants=joined.merchants,
            sites=joined.sites,
            conventions=joined.conventions,
        ),
    )


def _tell_refused(refused: MerchantFileRefused, *, as_json: bool) -> None:
    lines = refused.figures["lines"]
    assert isinstance(lines, list)  # noqa: S101  narrows the type
    if as_json:
        click.echo(json.dumps({"code": refused.code, "errors": lines}, ensure_ascii=False))
        return
    for each in lines:
        click.echo(
            _("ligne %(line)s, %(field)s : %(reason)s [%(code)s]", **each),
            err=True,
        )


@click.group()
def convention() -> None:
    """The agreements with merchants."""


def _change(siren: str, to_state: str, reason: str) -> None:
    running = process()
    with unit_of_work(running.database) as session:
        merchant_id = merchant_by_siren(session, siren).id
        change_state(session, merchant_id, to_state, reason=reason, at=running.clock.now())
    click.echo(
        _(
            "La convention du partenaire %(siren)s est à l'état « %(state)s ».",
            siren=siren,
            state=to_state,
        )
    )


_merchant_option = click.option("--merchant", "siren", required=True, help="The merchant's SIREN.")
_reason_option = click.option("--reason", required=True, help="Why, in words; it is kept.")


@convention.command("activate")
@_merchant_option
@_reason_option
def activate_command(siren: str, reason: str) -> None:
    """Make a draft convention active.

    Example: sesame convention activate --merchant 732829320 --reason "signée le 2 septembre"
    """
    _change(siren, "active", reason)


@convention.command("suspend")
@_merchant_option
@_reason_option
def suspend_command(siren: str, reason: str) -> None:
    """Suspend an active convention: its terminals sell nothing until it is resumed.

    Example: sesame convention suspend --merchant 732829320 --reason "contrôle en cours"
    """
    _change(siren, "suspended", reason)


@convention.command("resume")
@_merchant_option
@_reason_option
def resume_command(siren: str, reason: str) -> None:
    """Make a suspended convention active again.

    Example: sesame convention resume --merchant 732829320 --reason "contrôle terminé"
    """
    _change(siren, "active", reason)


@convention.command("terminate")
@_merchant_option
@_reason_option
def terminate_command(siren: str, reason: str) -> None:
    """End a convention for good; what is owed stays owed.

    Example: sesame convention terminate --merchant 732829320 --reason "cessation d'activité"
    """
    _change(siren, "terminated", reason)
