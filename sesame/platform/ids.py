"""Identifiers: UUIDv7 (RFC 9562), made in our code so that a client can choose one before it asks."""

from datetime import datetime
from uuid import UUID

import uuid_utils.compat


def uuid7(at: datetime | None = None) -> UUID:
    """Return a new time-ordered id. `at` (aware, UTC) sets its time part; the rest is random."""
    if at is None:
        return uuid_utils.compat.uuid7()
    whole_seconds = int(at.timestamp())
    return uuid_utils.compat.uuid7(
        nanoseconds=whole_seconds * 1_000_000_000 + at.microsecond * 1000
    )


def first_uuid7(at: datetime) -> UUID:
    """Return the smallest UUIDv7 of the millisecond of `at`: ids from then on are not below it."""
    milliseconds = int(at.timestamp()) * 1000 + at.microsecond // 1000
    return UUID(int=milliseconds << 80)
