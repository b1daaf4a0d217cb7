"""How much a request may send: little, but for the pages that take a file from someone signed in."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request

from sesame.platform.identity.sessions import signed_in
from sesame.platform.problems import NotAllowed

View = TypeVar("View", bound=Callable[..., Any])

# Read whole into memory by whoever asks, signed in or not; parsed JSON takes a hundred times as much.
LARGEST_BODY_BYTES = 64 * 1024


def takes_file(largest_bytes: int) -> Callable[[View], View]:
    """Let a view that `requires` roles be sent a file of `largest_bytes`. Put it above `requires`.

    The role is checked before any of the body is read, the form's CSRF token included: anybody else
    is answered as `requires` does.
    """

    def decorate(view: View) -> View:
        if not getattr(view, "needs_roles", ()):
            raise ValueError("only a view that requires a role may take a file")
        view.largest_bytes = largest_bytes  # type: ignore[attr-defined]
        return view

    return decorate


def install(app: Flask) -> None:
    """Hold every request to the small size, and those of `takes_file` to theirs.

    To be called before anything that reads the form, such as the CSRF check.
    """
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY_BYTES

    @app.before_request
    def let_file_through() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        largest_bytes = getattr(view, "largest_bytes", None)
        if largest_bytes is None:
            return
        if signed_in().role not in getattr(view, "needs_roles", ()):
            raise NotAllowed()
        # The file comes in a form, whose other fields may be as large as any other request.
        request.max_content_length = largest_bytes + LARGEST_BODY_BYTES
