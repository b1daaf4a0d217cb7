"""The state of a terminal: active, suspended, or revoked for good. Which may follow which is in the
table `terminal_allowed`; the database's trigger has the last word.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from merchants.directory.model import Site
from merchants.terminals.model import Terminal, TerminalAllowed, TerminalTransition
from merchants.terminals.reasons import (
    TerminalChangeTooEarly,
    TerminalTransitionRefused,
    TerminalUnknown,
)


def begin(session: Session, terminal_id: UUID, at: datetime) -> None:
    """Make a terminal that was just added active."""
    _append(session, terminal_id, 1, from_state=None, to_state="active", reason="", at=at)


def change_state(
    session: Session, terminal_id: UUID, to_state: str, *, reason: str, at: datetime
) -> None:
    """Take a terminal to `to_state` (`suspended`, `active` or `revoked`).

    reason: in words, kept. Raises `TerminalUnknown`, `TerminalTransitionRefused`,
    `TerminalChangeTooEarly`.
    """
    # A terminal's own row never changes and can't be locked: two changes wait on its site's row.
    locked = select(Site.id).join(Terminal, Terminal.site_id == Site.id)
    locked = locked.where(Terminal.id == terminal_id).with_for_update(of=Site, key_share=True)
    if session.scalar(locked) is None:
        raise TerminalUnknown()
    last = session.scalars(
        select(TerminalTransition)
        .where(TerminalTransition.terminal_id == terminal_id)
        .order_by(TerminalTransition.number.desc())
        .limit(1)
    ).one()
    if session.get(TerminalAllowed, (last.to_state, to_state)) is None:
        raise TerminalTransitionRefused(from_state=last.to_state, to_state=to_state)
    if at < last.at:
        raise TerminalChangeTooEarly()
    _append(
        session,
        terminal_id,
        last.number + 1,
        from_state=last.to_state,
        to_state=to_state,
        reason=reason.strip(),
        at=at,
    )


def _append(
    session: Session,
    terminal_id: UUID,
    number: int,
    *,
    from_state: str | None,
    to_state: str,
    reason: str,
    at: datetime,
) -> None:
    session.add(
        TerminalTransition(
            terminal_id=terminal_id,
            number=number,
            from_state=from_state,
            to_state=to_state,
            reason=reason,
            at=at,
        )
    )
    session.flush()
