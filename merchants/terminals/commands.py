"""`sesame terminal`: codes that enrol one, and its state."""

from uuid import UUID

import click
from flask_babel import gettext as _

from merchants.directory.register import site_by_siret
from merchants.terminals.codes import make_code
from merchants.terminals.states import change_state
from sesame.platform.command import print_answer, process
from sesame.platform.database import unit_of_work


@click.group()
def terminal() -> None:
    """Tills and readers in the shops."""


@terminal.command("code")
@click.option("--site", "siret", required=True, help="The site's SIRET.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def code_command(siret: str, as_json: bool) -> None:
    """Make a one-time code that enrols one terminal of a site within a day.

    Example: sesame terminal code --site 73282932000074
    """
    running = process()
    with unit_of_work(running.database) as session:
        site = site_by_siret(session, siret)
        made = make_code(session, running.settings, site.id, at=running.clock.now())
    print_answer(
        {"code": made.code, "site_id": site.id, "expires_at": made.expires_at.isoformat()},
        as_json=as_json,
        text=_("%(code)s (une seule caisse, un jour)", code=made.code),
    )


def _change(terminal_id: UUID, to_state: str, reason: str) -> None:
    running = process()
    with unit_of_work(running.database) as session:
        change_state(session, terminal_id, to_state, reason=reason, at=running.clock.now())
    click.echo(
        _("La caisse %(id)s est à l'état « %(state)s ».", id=str(terminal_id), state=to_state)
    )


_reason_option = click.option("--reason", default="", help="Why, in words; it is kept.")


@terminal.command("suspend")
@click.argument("terminal_id", metavar="ID", type=click.UUID)
@_reason_option
def suspend_command(terminal_id: UUID, reason: str) -> None:
    """Suspend a terminal: it sells nothing until it is resumed.

    Example: sesame terminal suspend 0198c0de-0000-7000-8000-000000000000 --reason "volée ?"
    """
    _change(terminal_id, "suspended", reason)


@terminal.command("resume")
@click.argument("terminal_id", metavar="ID", type=click.UUID)
@_reason_option
def resume_command(terminal_id: UUID, reason: str) -> None:
    """Make a suspended terminal active again.

    Example: sesame terminal resume 0198c0de-0000-7000-8000-000000000000 --reason "retrouvée"
    """
    _change(terminal_id, "active", reason)


@terminal.command("revoke")
@click.argument("terminal_id", metavar="ID", type=click.UUID)
@_reason_option
def revoke_command(terminal_id: UUID, reason: str) -> None:
    """Revoke a terminal for good: its key is never accepted for a sale again.

    Example: sesame terminal revoke 0198c0de-0000-7000-8000-000000000000 --reason "volée"
    """
    _change(terminal_id, "revoked", reason)
