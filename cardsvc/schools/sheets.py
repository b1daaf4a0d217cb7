"""The class sheet: one slip for each pupil, eight to an A4 page, to print, cut and hand out.

It is in French whatever the reader's language, since it goes to the pupils. The QR holds an address
whose code is in the fragment, which a browser never sends to a server.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import segno
from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from cardsvc.schools.codes import IssuedCode

SLIPS_A_PAGE = 8
_FOLDER = Path(__file__).parent
STYLESHEET = _FOLDER / "static" / "schools" / "sheets.css"
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Slip:
    """One pupil's part of a page."""

    name: str
    code: str
    qr: Markup


@dataclass(frozen=True)
class Sheet:
    """What the sheet of a class says besides the slips. public_url: the address people type."""

    school_name: str
    class_name: str
    scheme_name: str
    public_url: str
    zone: ZoneInfo


def render_sheet(sheet: Sheet, codes: Sequence[IssuedCode], *, stylesheet_url: str = "") -> str:
    """Return the sheet's HTML. Without `stylesheet_url` the style is in the page, which is then a
    file that stands alone.
    """
    slips = [
        Slip(code.name, code.code, _qr(enrol_address(sheet.public_url, code.code)))
        for code in codes
    ]
    pages = [slips[start : start + SLIPS_A_PAGE] for start in range(0, len(slips), SLIPS_A_PAGE)]
    expires = codes[0].expires_at.astimezone(sheet.zone).date() if codes else None
    return _TEMPLATES.get_template("schools/sheet.html").render(
        sheet=sheet,
        pages=pages,
        address=re.sub(r"^https?://", "", sheet.public_url.rstrip("/")) + "/enrol",
        expires=format_date(expires, "d MMMM y", locale="fr") if expires else "",
        stylesheet_url=stylesheet_url,
        style=Markup(STYLESHEET.read_text(encoding="utf-8")),  # noqa: S704  our own file
    )


def enrol_address(public_url: str, code: str) -> str:
    """Return the address that a slip's QR opens."""
    return f"{public_url.rstrip('/')}/enrol#{code}"


def _qr(address: str) -> Markup:
    drawn = segno.make(address, error="m", micro=False)
    # Drawn by segno out of an address of ours: nothing in it comes from a person.
    return Markup(drawn.svg_inline(border=0, omitsize=True, svgclass="qr"))  # noqa: S704
