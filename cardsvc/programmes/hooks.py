"""What programmes give to the shell: two panels, the commands; and what they do after a roll."""

from sqlalchemy.orm import Session

from cardsvc.programmes import panels
from cardsvc.programmes.commands import envelope, funder, programme
from cardsvc.programmes.explaining_accounts import (
    explain_entitlements,
    explain_envelopes,
    explain_funding,
)
from cardsvc.programmes.jobs import grant_after_roll
from cardsvc.schools.events import RollImported, after_roll_import
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register panels and commands, and listen to imported rolls."""
    registry.page(panels.blueprint)
    registry.panel("wallet", panels.wallet_panel, order=10, roles=["beneficiary"])
    registry.panel(
        "console", panels.console_panel, order=10, roles=["officer", "accountant", "auditor"]
    )
    for group in (programme, funder, envelope):
        registry.commands(group)
    registry.explains("envelope", explain_envelopes)
    registry.explains("funding", explain_funding)
    registry.explains("entitlement", explain_entitlements)
    after_roll_import(_grant)


def _grant(session: Session, event: RollImported) -> None:
    grant_after_roll(session, event.at)
