"""The panels of programmes: what I have, on the wallet; the envelopes, on the console."""

from flask import Blueprint, render_template
from flask_babel import get_locale

from cardsvc.programmes.figures import envelope_views
from cardsvc.programmes.wallet import entitlements_for_wallet
from sesame.platform.identity import signed_in
from sesame.platform.web import current

blueprint = Blueprint("programmes", __name__, template_folder="templates")

ICONS = {
    "textbooks": "book-open",
    "books": "library",
    "comics": "library",
    "press": "file-text",
    "music": "music",
    "cinema": "clapperboard",
    "live_shows": "ticket",
    "museums": "landmark",
    "sports": "dumbbell",
    "equipment": "wrench",
    "digital": "smartphone",
    "transport": "bus",
    "housing": "house",
    "training": "graduation-cap",
}
OTHER_ICON = "wallet"


def wallet_panel() -> str:
    """What the signed-in beneficiary has left, until when, and what it buys."""
    beneficiary_id = signed_in().subject_id
    assert beneficiary_id is not None  # noqa: S101  a beneficiary's identity always has its file
    shell = current()
    with shell.database.sessions() as session:
        views = entitlements_for_wallet(session, beneficiary_id, shell.clock.now(), _locale())
    return render_template(
        "programmes/wallet_panel.html",
        entitlements=[(each, ICONS.get(each.categories[0], OTHER_ICON)) for each in views],
    )


def console_panel() -> str:
    """What each envelope gave and what was spent of it."""
    shell = current()
    with shell.database.sessions() as session:
        views = envelope_views(session, shell.clock.now(), _locale())
    return render_template("programmes/console_panel.html", envelopes=views)


def _locale() -> str:
    return str(get_locale() or "fr")
