"""What this feature gives to the shell, and what it does when a pupil binds a new code."""

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from cardsvc.cards.api import issuers, phones
from cardsvc.cards.commands import card, issuer_key
from cardsvc.cards.issue import revoke_every_phone
from cardsvc.cards.pages import cards
from cardsvc.schools.events import PupilRebound, after_rebinding
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register the holder's pages, the phones' resources, the published keys and the commands;
    listen to new codes.
    """
    registry.page(cards)
    registry.api(phones)
    registry.api(issuers)
    registry.menu(
        "wallet",
        _l("Ma carte"),
        "cards.wallet",
        icon="credit-card",
        order=10,
        roles=["beneficiary"],
    )
    registry.menu("wallet", _l("Moi"), "cards.me", icon="user", order=90, roles=["beneficiary"])
    registry.commands(card)
    registry.commands(issuer_key)
    after_rebinding(_revoke)


def _revoke(session: Session, event: PupilRebound) -> None:
    revoke_every_phone(session, event.beneficiary_id, event.at)
