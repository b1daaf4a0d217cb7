"""The scheme's signing keys: one signs, the former ones are still accepted, a withdrawn one never."""

import stat
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from cardsvc.cards import (
    create_issuer_key,
    issuer,
    issuer_keys,
    rotate_issuer_key,
    withdraw_issuer_key,
)
from cardsvc.cards.issuer import signing_key
from cardsvc.cards.reasons import IssuerKeyMissing
from sesame.platform.database import Database, unit_of_work


def test_the_private_key_is_a_file_that_only_its_owner_reads(settings, database, issuer_key_id):
    file = settings.keys_dir / f"issuer-{issuer_key_id}.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.keys_dir.stat().st_mode) == 0o700
    private = serialization.load_pem_private_key(file.read_bytes(), None)
    with unit_of_work(database) as session:
        jwk = session.scalar(text("SELECT public_jwk FROM cardsvc.issuer_key"))
    assert set(jwk) == {"kty", "crv", "x", "y"}
    with unit_of_work(database) as session:
        published = issuer_keys(session).public_key("FR-VA", bytes.fromhex(issuer_key_id))
    assert published is not None
    assert published.public_numbers() == private.public_key().public_numbers()


def test_making_the_key_again_changes_nothing(settings, database, issuer_key_id, at):
    with unit_of_work(database) as session:
        assert create_issuer_key(settings, session, at + timedelta(days=1)) == issuer_key_id
    assert len(list(settings.keys_dir.glob("issuer-*.pem"))) == 1


def test_after_a_rotation_the_new_key_signs_and_the_former_is_still_accepted(
    settings, database, issuer_key_id, at
):
    with unit_of_work(database) as session:
        issuer_keys(session)  # remembered before the change
        second = rotate_issuer_key(settings, session, at + timedelta(days=300))
    with unit_of_work(database) as session:
        assert signing_key(settings, session).key_id.hex() == second
        accepted = issuer_keys(session)
    for key_id in (issuer_key_id, second):
        assert accepted.public_key("FR-VA", bytes.fromhex(key_id)) is not None


def test_a_withdrawn_key_is_accepted_no_more_and_signs_nothing(
    settings, database, issuer_key_id, at
):
    with unit_of_work(database) as session:
        assert issuer_keys(session).knows_issuer("FR-VA")
        withdraw_issuer_key(session, issuer_key_id)
    with unit_of_work(database) as session:
        assert not issuer_keys(session).knows_issuer("FR-VA")
        with pytest.raises(IssuerKeyMissing):
            signing_key(settings, session)


def test_the_remembered_keys_cost_no_query(database, issuer_key_id):
    with unit_of_work(database) as session:
        known = issuer_keys(session)
    with database.sessions() as session:
        assert issuer_keys(session) is known
        assert not session.in_transaction()


def test_the_database_lets_one_key_sign_at_a_time(session, issuer_key_id, at):
    with pytest.raises(IntegrityError, match="uq_issuer_key_active"):
        session.execute(
            text(
                "INSERT INTO cardsvc.issuer_key (key_id, issuer, public_jwk, state, created_at) "
                "VALUES ('0123456789abcdef', 'FR-VA', '{}', 'active', :at)"
            ),
            {"at": at},
        )


def test_a_key_file_that_is_gone_is_said_and_nothing_is_signed(settings, database, issuer_key_id):
    (settings.keys_dir / f"issuer-{issuer_key_id}.pem").unlink()
    with unit_of_work(database) as session, pytest.raises(IssuerKeyMissing) as refused:
        signing_key(settings, session)
    assert refused.value.code == "issuer_key_missing"


def test_withdrawing_a_key_that_does_not_exist_is_refused(session):
    with pytest.raises(IssuerKeyMissing):
        withdraw_issuer_key(session, "0123456789abcdef")


@pytest.fixture
def seconds(monkeypatch):
    """Let time pass for what a process remembers."""
    passed = [0.0]
    monkeypatch.setattr(issuer, "monotonic", lambda: passed[0])

    def go_by(more):
        passed[0] += more

    return go_by


def rotate_elsewhere(settings, test_database, at):
    """Rotate the key as another process does; give the new one's id."""
    elsewhere = Database(test_database.url())
    with unit_of_work(elsewhere) as session:
        made = rotate_issuer_key(settings, session, at)
    elsewhere.dispose()
    return bytes.fromhex(made)


def test_a_key_that_another_process_made_is_there_as_soon_as_it_is_asked_for(
    settings, database, test_database, issuer_key_id, at, seconds
):
    with unit_of_work(database) as session:
        issuer_keys(session)
    made = rotate_elsewhere(settings, test_database, at)
    with unit_of_work(database) as session:
        assert issuer_keys(session).public_key("FR-VA", made) is None
        assert issuer_keys(session, fresh=True).public_key("FR-VA", made) is not None
        assert issuer_keys(session).public_key("FR-VA", made) is not None


def test_keys_that_nobody_has_make_a_process_read_once_a_second_and_no_more(
    settings, database, test_database, issuer_key_id, at, seconds
):
    with unit_of_work(database) as session:
        known = issuer_keys(session, fresh=True)
    rotate_elsewhere(settings, test_database, at)
    seconds(0.9)
    with database.sessions() as session:
        assert issuer_keys(session, fresh=True) is known
        assert not session.in_transaction()
    seconds(0.1)
    with unit_of_work(database) as session:
        assert issuer_keys(session, fresh=True) is not known
