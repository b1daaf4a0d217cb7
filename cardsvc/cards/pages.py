"""The young person's pages: their card with its code, and what is theirs to settle."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug import Response

from cardsvc.cards.api import holder_id
from cardsvc.cards.issue import phones_of, removed_phones_of, revoke_phone
from cardsvc.cards.life import check_active, current_card
from cardsvc.cards.model import MAX_PHONES
from cardsvc.people.names import display_name, standing
from sesame.platform.database import unit_of_work
from sesame.platform.identity import requires, signed_in
from sesame.platform.problems import SesameError
from sesame.platform.scheme import current_scheme
from sesame.platform.web import current

cards = Blueprint(
    "cards",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/cards",
)


@dataclass(frozen=True)
class Tag:
    """The card's state in two words. kind: `ok`, `no`, `warn`, or nothing."""

    text: object
    kind: str


# A person who has no card yet gets it by opening the page: they are told nothing is wrong.
NO_CARD = Tag(_l("Carte prête"), "ok")
TAGS = {
    "active": Tag(_l("Carte active"), "ok"),
    "blocked": Tag(_l("Carte bloquée"), "no"),
    "lost": Tag(_l("Carte perdue"), "no"),
    "expired": Tag(_l("Carte expirée"), "warn"),
}


@dataclass(frozen=True)
class CardView:
    """A card as its holder sees it. refusal: why it can't pay, or nothing."""

    holder: UUID
    name: str
    standing: str
    last_four: str
    tag: Tag
    refusal: str

    @property
    def pays(self) -> bool:
        """Whether a code may be shown."""
        return not self.refusal


@cards.get("/wallet")
@requires("beneficiary")
def wallet() -> str:
    """Show the card, its code, and the panels of other rooms."""
    with unit_of_work(current().database) as session:
        view = card_view(session, holder_id())
        removed = removed_phones_of(session, holder_id())
    return render_template("cards/wallet.html", removed=removed, **_named(view))


@cards.get("/wallet/me")
@requires("beneficiary")
def me() -> str:
    """Show what is the holder's own to settle: for now, the phones that hold the card."""
    with unit_of_work(current().database) as session:
        view = card_view(session, holder_id())
        phones = phones_of(session, holder_id())
        zone = current_scheme(session).zone
    return render_template(
        "cards/me.html", phones=phones, max_phones=MAX_PHONES, zone=zone, **_named(view)
    )


@cards.post("/wallet/phones/<uuid:phone_key_id>/remove")
@requires("beneficiary")
def remove_phone(phone_key_id: UUID) -> Response:
    """Take the card off one of the holder's phones; another one than this is signed out too."""
    at, by_session = current().clock.now(), signed_in().session_id
    with unit_of_work(current().database) as session:
        revoke_phone(session, holder_id(), phone_key_id, at, by_session)
    flash(_("Ta carte n'est plus sur ce téléphone."), "ok")
    return redirect(url_for("cards.me"))


def card_view(session: Session, beneficiary_id: UUID) -> CardView:
    """Return the beneficiary's card as their pages show it."""
    card = current_card(session, beneficiary_id)
    refusal = ""
    if card is not None:
        try:
            check_active(card)
        except SesameError as refused:
            refusal = refused.sentence()
    return CardView(
        holder=beneficiary_id,
        name=display_name(session, beneficiary_id),
        standing=standing(session, beneficiary_id, current().clock.now()),
        last_four=card.number[-4:] if card is not None else "",
        tag=TAGS[card.state] if card is not None else NO_CARD,
        refusal=refusal,
    )


def _named(view: CardView) -> dict[str, object]:
    return {
        name: getattr(view, name)
        for name in ("holder", "name", "standing", "last_four", "tag", "refusal", "pays")
    }
