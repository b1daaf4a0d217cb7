"""Ids are UUIDv7 (RFC 9562): of Python's making and of the database's."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from sesame.platform.ids import first_uuid7, uuid7

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def assert_is_version_7_of(made: UUID, at: datetime) -> None:
    assert (made.int >> 76) & 0xF == 7
    assert (made.int >> 62) & 0b11 == 0b10
    assert made.int >> 80 == milliseconds(at)


@given(MOMENTS)
def test_an_id_says_its_moment_and_version(at):
    assert_is_version_7_of(uuid7(at), at)


@given(MOMENTS, st.timedeltas(timedelta(milliseconds=1), timedelta(days=400)))
def test_a_later_id_is_greater(at, later):
    assert uuid7(at).bytes < uuid7(at + later).bytes


@given(MOMENTS)
def test_the_first_id_of_a_moment_is_below_all_of_it_and_above_all_before(at):
    assert uuid7(at - timedelta(milliseconds=1)).bytes < first_uuid7(at).bytes < uuid7(at).bytes
    assert first_uuid7(at).int >> 80 == milliseconds(at)


def test_ids_of_one_moment_differ(at):
    assert len({uuid7(at) for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize("microseconds", [0, 1, 999, 1000, 123_456, 999_999])
def test_the_databases_ids_are_the_same_kind(session, at, microseconds):
    at += timedelta(microseconds=microseconds)
    made = session.scalars(
        text("SELECT platform.uuid7(:at) FROM generate_series(1, 200)"), {"at": at}
    ).all()
    assert len(set(made)) == 200
    for each in made:
        assert_is_version_7_of(each, at)
    later = session.scalar(
        text("SELECT platform.uuid7(:at)"), {"at": at + timedelta(milliseconds=1)}
    )
    assert max(made) < later
