"""Documents on paper: HTML in the house's type and look, printed to PDF/A-3b for keeping.

Everything comes from the project's own files: nothing is fetched, so a document never depends on a
network, and two prints of the same figures are the same bytes.
"""

import logging
import os
import warnings
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_LEDGER = Path(__file__).resolve().parents[1]
_STATIC = _LEDGER.parent / "sesame" / "platform" / "web" / "static"
_STYLES = (_STATIC / "fonts.css", _STATIC / "tokens.css", Path(__file__).parent / "paper.css")
_TEMPLATES = Environment(
    loader=FileSystemLoader(
        [_LEDGER / "statements" / "templates", _LEDGER / "accounting" / "templates"]
    ),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)


def print_pdf(template: str, **values: Any) -> bytes:
    """Return the document that `template` (of the ledger's own) makes of `values`, as PDF/A-3b."""
    return html_to_pdf(_TEMPLATES.get_template(template).render(**values))


def html_to_pdf(html: str) -> bytes:
    """Return `html` printed with the house's style, as PDF/A-3b, its fonts inside."""
    # Imported when a document is printed: it loads Pango, which nothing else here needs.
    from weasyprint import CSS, HTML  # noqa: PLC0415
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
    from weasyprint.urls import URLFetcher  # noqa: PLC0415

    # The fonts inside carry the hour of the print, unless this says another: the same figures, the same bytes.
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
    # It tells of each screen-only property that it leaves out of a print.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    fonts = FontConfiguration()
    fetcher = URLFetcher(allowed_protocols=("file",), allow_redirects=False)
    styles = [CSS(filename=path, font_config=fonts, url_fetcher=fetcher) for path in _STYLES]
    # A document itself brings nothing to load: what a label says is never fetched.
    nothing = URLFetcher(allowed_protocols=())
    document = HTML(string=html, url_fetcher=nothing)
    with warnings.catch_warnings():
        # It leaves the file of its colour profile to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        printed = document.write_pdf(stylesheets=styles, font_config=fonts, pdf_variant="pdf/a-3b")
    return bytes(printed)
