"""What happened to a roll or a pupil's sign-in, told to the features above, which register here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class RollImported:
    """A roll was imported, in the unit of work that the listener is called in: facts have changed."""

    roll_id: UUID
    school_id: UUID
    at: datetime


@dataclass(frozen=True)
class PupilRebound:
    """A pupil who had a sign-in used a new code: the phones that they had are no longer theirs."""

    beneficiary_id: UUID
    at: datetime


RollListener = Callable[[Session, RollImported], None]
RebindingListener = Callable[[Session, PupilRebound], None]
_listeners: list[RollListener] = []
_rebinding_listeners: list[RebindingListener] = []


def after_roll_import(listener: RollListener) -> RollListener:
    """Have `listener(session, event)` called after each import that wrote something.

    It runs inside the importer's unit of work, so it does little: it enqueues a job. Registered
    twice, it is called once. Usable as a decorator.
    """
    if listener not in _listeners:
        _listeners.append(listener)
    return listener


def announce(session: Session, event: RollImported) -> None:
    """Call every listener; what one raises stops the import."""
    for listener in _listeners:
        listener(session, event)


def after_rebinding(listener: RebindingListener) -> RebindingListener:
    """Have `listener(session, event)` called when a pupil binds a new code in the place of a former
    sign-in, inside that unit of work and with the beneficiary's row locked.

    Registered twice, it is called once. Usable as a decorator.
    """
    if listener not in _rebinding_listeners:
        _rebinding_listeners.append(listener)
    return listener


def announce_rebinding(session: Session, event: PupilRebound) -> None:
    """Call every listener; what one raises leaves the code unused."""
    for listener in _rebinding_listeners:
        listener(session, event)
