"""The terminal that signed the Flask request being served."""

from collections.abc import Mapping
from typing import cast

from flask import request

from merchants.terminals.authenticate import TerminalIdentity, authenticate_terminal
from sesame.platform.web import current


def terminal_of_request() -> TerminalIdentity:
    """Return which terminal signed this request. Raises as `authenticate_terminal`."""
    query = request.query_string.decode("latin-1")
    return authenticate_terminal(
        current().database,
        method=request.method,
        path=f"{request.path}?{query}" if query else request.path,
        headers=cast(Mapping[str, str], request.headers),
        body=request.get_data() or None,
        at=current().clock.now(),
    )
