"""Codes of the class sheets: hard to guess, easy to type, used once."""

import hashlib
import hmac
import math
import threading
from datetime import timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardsvc.schools import bind_by_code, import_roll, issue_codes, preview_roll
from cardsvc.schools.codes import ALPHABET, RANDOM_CHARACTERS, new_code, normalise
from cardsvc.schools.reasons import (
    CodeExpired,
    CodeMistyped,
    CodeReplaced,
    CodeUnknown,
    CodeUsed,
)
from sesame.platform.database import unit_of_work

codes = st.builds(new_code)
places = st.integers(0, RANDOM_CHARACTERS)


@pytest.fixture
def class_of_three(schools, rolls, at):
    """A school with three pupils in two classes; its id."""
    lines = [rolls.Line(rolls.ine(n), given=f"Élève {n}") for n in (1, 2)]
    lines.append(rolls.Line(rolls.ine(3), division="1G1"))
    report = import_roll(schools, preview_roll(schools, rolls.siecle(lines), at=at), at=at)
    return report.school_id


@pytest.fixture
def issue(schools, settings, class_of_three, at):
    """Make codes for that school."""

    def issue(*, at=at, **options):
        return issue_codes(schools, settings, school_id=class_of_three, at=at, **options)

    return issue


def test_a_code_has_at_least_49_bits_of_chance():
    assert RANDOM_CHARACTERS * math.log2(len(ALPHABET)) >= 49
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert not set("01ILO") & set(ALPHABET)
    assert len({new_code() for _ in range(2000)}) == 2000


@given(codes)
def test_a_code_may_be_typed_in_any_case_with_any_spaces_or_dashes(code):
    bare = code.replace("-", "")
    assert len(bare) == 11
    for typed in (code, code.lower(), bare, f" {bare[:4]} {bare[4:]} ", code.replace("-", " – ")):
        assert normalise(typed) == bare


@given(codes, places, st.sampled_from(ALPHABET))
def test_any_single_slip_is_found_without_the_database(code, place, wrong):
    bare = code.replace("-", "")
    if bare[place] != wrong:
        with pytest.raises(CodeMistyped) as refusal:
            normalise(bare[:place] + wrong + bare[place + 1 :])
        assert refusal.value.code == "roll_code_mistyped"


@given(codes, st.integers(0, RANDOM_CHARACTERS - 2))
def test_two_swapped_characters_are_found(code, place):
    bare = code.replace("-", "")
    swapped = bare[:place] + bare[place + 1] + bare[place] + bare[place + 2 :]
    if swapped != bare:
        with pytest.raises(CodeMistyped):
            normalise(swapped)


@pytest.mark.parametrize(
    "typed", ["", "-", "K7QF4", "é" * 11, "K7QF4-9XMTRK7QF4", "0" * 11, "\0" * 11]
)
def test_what_cant_be_a_code_is_a_slip(typed):
    with pytest.raises(CodeMistyped):
        normalise(typed)


def test_every_pupil_gets_a_code_sorted_by_class_and_name(issue):
    issued = issue()
    assert [(code.class_name, code.name) for code in issued] == [
        ("1G1", "Zoé EXEMPLE"),
        ("2GT03", "Élève 1 EXEMPLE"),
        ("2GT03", "Élève 2 EXEMPLE"),
    ]
    assert [code.name for code in issue(class_name="1G1")] == ["Zoé EXEMPLE"]


def test_only_a_keyed_hash_of_a_code_is_kept(issue, rows, settings):
    (code,) = issue(class_name="1G1")
    key = (settings.keys_dir / "roll-codes.secret").read_bytes()
    expected = hmac.new(key, code.code.replace("-", "").encode(), hashlib.sha256).digest()
    assert rows("SELECT code_hash FROM cardsvc.roll_code") == [(expected,)]
    assert code.code not in repr(code)


def test_a_code_binds_its_pupil_once(issue, schools, settings, at, rows):
    (code,) = issue(class_name="1G1")
    assert bind_by_code(schools, settings, code.code.lower(), at) == code.beneficiary_id
    assert rows("SELECT used_at FROM cardsvc.roll_code") == [(at,)]
    with pytest.raises(CodeUsed) as refusal:
        bind_by_code(schools, settings, code.code, at + timedelta(minutes=1))
    assert refusal.value.code == "roll_code_used"
    assert rows("SELECT used_at FROM cardsvc.roll_code") == [(at,)]


def test_a_guess_is_unknown(issue, schools, settings, at):
    issue()
    with pytest.raises(CodeUnknown) as refusal:
        bind_by_code(schools, settings, new_code(), at)
    assert refusal.value.code == "roll_code_unknown"


def test_a_code_of_another_installation_is_unknown(issue, schools, settings, at, tmp_path):
    (code,) = issue(class_name="1G1")
    (settings.keys_dir / "roll-codes.secret").write_bytes(bytes(32))
    with pytest.raises(CodeUnknown):
        bind_by_code(schools, settings, code.code, at)


def test_a_code_expires_after_sixty_days(issue, schools, settings, at):
    (code,) = issue(class_name="1G1")
    with pytest.raises(CodeExpired) as refusal:
        bind_by_code(schools, settings, code.code, at + timedelta(days=60))
    assert refusal.value.code == "roll_code_expired"
    last_moment = at + timedelta(days=60) - timedelta(seconds=1)
    assert bind_by_code(schools, settings, code.code, last_moment) == code.beneficiary_id


def test_printing_again_revokes_the_codes_before_but_not_those_used(issue, schools, settings, at):
    first = issue(class_name="2GT03")
    bind_by_code(schools, settings, first[0].code, at)
    again = issue(class_name="2GT03")
    assert [code.beneficiary_id for code in again] == [first[1].beneficiary_id]
    with pytest.raises(CodeReplaced) as refusal:
        bind_by_code(schools, settings, first[1].code, at)
    assert refusal.value.code == "roll_code_replaced"
    assert bind_by_code(schools, settings, again[0].code, at) == first[1].beneficiary_id


def test_a_pupil_already_bound_gets_another_code_by_name_only(issue, schools, settings, at):
    (code,) = issue(class_name="1G1")
    bind_by_code(schools, settings, code.code, at)
    assert issue(class_name="1G1") == []
    (fresh,) = issue(only=code.beneficiary_id)
    assert bind_by_code(schools, settings, fresh.code, at) == code.beneficiary_id


def test_another_schools_pupil_gets_no_code(schools, settings, class_of_three, at, rows):
    (other,) = rows("SELECT id FROM cardsvc.school WHERE id <> %s", class_of_three)[0]
    (pupil,) = rows("SELECT id FROM cardsvc.beneficiary LIMIT 1")[0]
    assert issue_codes(schools, settings, school_id=other, only=pupil, at=at) == []


def test_a_pupil_who_left_loses_the_code_in_their_hand(issue, schools, settings, rolls, at):
    (code,) = issue(class_name="1G1")
    rest = [rolls.Line(rolls.ine(n), given=f"Élève {n}") for n in (1, 2)]
    content = rolls.siecle(rest, exported="01/10/2026")
    import_roll(schools, preview_roll(schools, content, at=at), at=at)
    with pytest.raises(CodeReplaced):
        bind_by_code(schools, settings, code.code, at)


def test_of_two_phones_at_once_one_gets_the_code(issue, schools, database, settings, at):
    (code,) = issue(class_name="1G1")
    schools.commit()
    outcomes = []
    with unit_of_work(database) as first:
        # The first holds the row; the second waits for it, and finds the code used.
        bind_by_code(first, settings, code.code, at)

        def second_phone():
            try:
                with unit_of_work(database) as second:
                    outcomes.append(bind_by_code(second, settings, code.code, at))
            except CodeUsed as refusal:
                outcomes.append(refusal.code)

        thread = threading.Thread(target=second_phone)
        thread.start()
        with psycopg.connect(settings.database_url, autocommit=True) as watcher:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            while watcher.execute(waiting).fetchone() == (0,):
                assert thread.is_alive()
        assert outcomes == []
    thread.join(10)
    assert outcomes == ["roll_code_used"]


def test_the_database_keeps_one_live_code_for_a_pupil(issue, rows):
    issue(class_name="1G1")
    with pytest.raises(psycopg.errors.UniqueViolation):
        rows(
            "INSERT INTO cardsvc.roll_code SELECT gen_random_uuid(), beneficiary_id, school_id, "
            "sha256('another'), created_at, expires_at FROM cardsvc.roll_code RETURNING 1"
        )
