"""Paths that lead somewhere inside this site: the only ones that a page may be sent back to."""

import re

from flask import current_app, request
from werkzeug.exceptions import HTTPException

# No scheme, no host ("//…", "/\…", which browsers read as one), and none of the characters that
# browsers drop from an address before reading it (tab, line feed, space).
_INSIDE = re.compile(r"/(?![/\\])[^\\\s\x00-\x1f\x7f]*")


def inside_path(text: str | None) -> str | None:
    """Return `text` when it is a path of this site, with or without a query; else None."""
    if text is not None and len(text) <= 2000 and _INSIDE.fullmatch(text):
        return text
    return None


def here() -> str:
    """Return the path to come back to after a form at the foot of the page.

    The path of this page, with its query; the front page when it answers a POST that has no GET.
    """
    path = request.full_path.rstrip("?") if request.query_string else request.path
    return path if leads_to_a_page(request.path) and inside_path(path) else "/"


def leads_to_a_page(path: str) -> bool:
    """Tell whether a GET of `path` (without a query) has a route in this application."""
    adapter = current_app.url_map.bind("localhost")
    try:
        adapter.match(path, method="GET")
    except HTTPException:
        return False
    return True
