"""The signed-in person of this request, and which roles a view needs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import current_app, g
from flask import session as cookie
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select

from sesame.platform.database.unit_of_work import unit_of_work
from sesame.platform.identity.model import IdentityRow, SessionRow
from sesame.platform.identity.open_sessions import open_session
from sesame.platform.problems import NotAllowed, NotSignedIn

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Identity:
    """Who is signed in, by which session. subject_id: the beneficiary, school or merchant that they
    act for.
    """

    id: UUID
    session_id: UUID
    role: str
    subject_id: UUID | None
    display_name: str


def start_session(identity_id: UUID) -> None:
    """Sign the browser of this request in as `identity_id`, with a fresh session.

    In a unit of work of its own: for one that does more, `open_session` inside it, then
    `carry_session` once it has committed.
    """
    shell = current_app.extensions["sesame"]
    now: datetime = shell.clock.now()
    with unit_of_work(shell.database) as session:
        session_id = open_session(session, identity_id, now)
    carry_session(session_id)


def carry_session(session_id: UUID) -> None:
    """Have the browser of this request carry a session that is committed; it forgets all else."""
    locale = cookie.get("locale")
    cookie.clear()
    if locale:
        cookie["locale"] = locale
    cookie["session"] = str(session_id)
    cookie.permanent = True
    # Now, and not at the first form: two pages opened at once would each make their own.
    g.pop("csrf_token", None)
    generate_csrf()
    g.pop("identity", None)


def end_session() -> None:
    """Sign the browser of this request out."""
    shell = current_app.extensions["sesame"]
    text = cookie.pop("session", None)
    g.pop("identity", None)
    if text is None:
        return
    with unit_of_work(shell.database) as session:
        row = session.get(SessionRow, UUID(text))
        if row is not None and row.ended_at is None:
            row.ended_at = shell.clock.now()


def signed_in_or_none() -> Identity | None:
    """Return who is signed in, or None. Looked up once a request."""
    if "identity" not in g:
        g.identity = _look_up()
    return cast(Identity | None, g.identity)


def signed_in() -> Identity:
    """Return who is signed in. Raises `NotSignedIn`."""
    identity = signed_in_or_none()
    if identity is None:
        raise NotSignedIn()
    return identity


def requires(*roles: str) -> Callable[[View], View]:
    """Let a view be used only by someone with one of `roles`.

    Raises `NotSignedIn` (a page then leads to sign-in) or `NotAllowed`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if signed_in().role not in roles:
                raise NotAllowed()
            return view(*args, **kwargs)

        guarded.needs_roles = roles  # type: ignore[attr-defined]
        return cast(View, guarded)

    return decorate


def _look_up() -> Identity | None:
    text = cookie.get("session")
    if text is None:
        return None
    shell = current_app.extensions["sesame"]
    wanted = (
        select(IdentityRow)
        .join(SessionRow, SessionRow.identity_id == IdentityRow.id)
        .where(
            SessionRow.id == UUID(text),
            SessionRow.ended_at.is_(None),
            SessionRow.ends_at > shell.clock.now(),
            IdentityRow.active.is_(True),
        )
    )
    with shell.database.sessions() as session:
        row = session.scalar(wanted)
        if row is None:
            return None
        return Identity(row.id, UUID(text), row.role, row.subject_id, row.display_name)
