"""Limits on guessing: so many failures an hour for one target, then a wait. Kept in the database, so
that all processes count together; a failure is committed even though the request is refused.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from sesame.platform.database.connection import Database
from sesame.platform.database.unit_of_work import unit_of_work
from sesame.platform.identity.model import FailedAttempt
from sesame.platform.ids import uuid7
from sesame.platform.keys import secret_bytes
from sesame.platform.problems import Reason, SesameError, declare
from sesame.platform.settings import Settings

WINDOW = timedelta(hours=1)
KEEP = timedelta(days=1)


class TooManyAttempts(SesameError):
    """Too many failures within the hour: nothing is looked at any more until it has passed."""

    reason = declare(
        Reason(
            "too_many_attempts",
            429,
            "Trop d'essais. Attendez une heure avant de recommencer, ou demandez de l'aide.",
            holder="Trop d'essais. Attends une heure avant de recommencer, ou demande de l'aide.",
        )
    )


def check_attempts(
    settings: Settings, database: Database, kind: str, target: str, *, limit: int, at: datetime
) -> None:
    """Raise `TooManyAttempts` when `target` has failed `limit` times within the hour.

    kind: what is being guessed (`password`, `roll_code`, `terminal_code`). target: a login or a
    network address; only its keyed hash is compared.
    """
    if failures_within_the_hour(settings, database, kind, target, at=at) >= limit:
        raise TooManyAttempts()


def failures_within_the_hour(
    settings: Settings, database: Database, kind: str, target: str, *, at: datetime
) -> int:
    """Return how often `target` has failed within the hour before `at`."""
    subject = _subject(settings, kind, target)
    with unit_of_work(database) as session:
        failures = session.scalar(
            select(func.count())
            .select_from(FailedAttempt)
            .where(FailedAttempt.subject == subject, FailedAttempt.at > at - WINDOW)
        )
    return failures or 0


def note_failure(
    settings: Settings, database: Database, kind: str, target: str, *, at: datetime
) -> None:
    """Count one failure against `target`, in a unit of work of its own."""
    with unit_of_work(database) as session:
        session.add(FailedAttempt(id=uuid7(at), subject=_subject(settings, kind, target), at=at))
        session.execute(delete(FailedAttempt).where(FailedAttempt.at < at - KEEP))


def _subject(settings: Settings, kind: str, target: str) -> bytes:
    key = secret_bytes(settings, "attempts")
    return hmac.new(key, f"{kind}\0{target}".encode(), hashlib.sha256).digest()
