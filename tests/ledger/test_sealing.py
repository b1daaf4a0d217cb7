"""Sealing: each transfer once, in whatever order transactions end, and append-only in the database."""

from datetime import timedelta

import psycopg
import pytest

from ledger.accounts import open_account
from ledger.leaves import LEAF_COLUMNS
from ledger.model import Transfer
from ledger.reasons import SealBroken
from ledger.sealing import seal, seal_state
from ledger.transfers import post
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import OWNER_ROLE
from tests.ledger.sealed_book import plain_root


def lines_as_copy_writes_them(database, ids):
    """Each transfer's line by COPY itself, by a session that writes times in another way by default."""
    lines = []
    with psycopg.connect(database.url) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, DMY'")
        for each in ids:
            columns = ", ".join(LEAF_COLUMNS)
            query = f"COPY (SELECT {columns} FROM ledger.transfer WHERE id = '{each}') TO STDOUT"
            with connection.cursor().copy(query) as copy:
                lines.append(b"".join(bytes(part) for part in copy).removesuffix(b"\n"))
    return lines


def last_round(database):
    with psycopg.connect(database.url) as connection:
        return connection.execute(
            "SELECT size, root, started_over FROM ledger.seal_round ORDER BY size DESC LIMIT 1"
        ).fetchone()


def test_a_leaf_holds_every_column_of_a_transfer(test_database):
    with psycopg.connect(test_database.url()) as connection:
        columns = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'ledger.transfer'::regclass"
            " AND attnum > 0 AND NOT attisdropped"
        ).fetchall()
    assert {name for (name,) in columns} == set(LEAF_COLUMNS)
    assert len(LEAF_COLUMNS) == len(Transfer.__table__.columns)


def test_the_root_is_over_the_lines_that_copy_writes(sealed, database):
    sealed.captures(20)
    assert sealed.seal() == 22
    ids = sealed.sealed_ids()
    size, root, _ = last_round(database)
    assert (size, len(set(ids))) == (22, 22)
    assert root == plain_root(lines_as_copy_writes_them(database, ids))


def test_what_was_sealed_is_not_sealed_again(sealed, database):
    sealed.captures(3)
    assert sealed.seal() == 5
    assert sealed.seal() == 0
    sealed.captures(300)
    assert sealed.seal() == 300
    ids = sealed.sealed_ids()
    assert len(ids) == len(set(ids)) == 305
    assert last_round(database)[1] == plain_root(lines_as_copy_writes_them(database, ids))


def test_a_transaction_open_across_two_seals_is_sealed_after_it_ends_once(sealed, database, at):
    book = sealed.book
    another = another_envelope(sealed)
    early = book.transfer(book.funding, another, 5, kind="fund")
    with unit_of_work(database) as slow:
        post(slow, [early], at=at)
        later = [book.capture(1).id, book.capture(2).id]
        assert sealed.seal() == 4
        assert set(later) <= set(sealed.sealed_ids())
        book.capture(3)
        assert sealed.seal() == 1
        assert early.id not in sealed.sealed_ids()
    assert sealed.seal() == 1
    assert sealed.sealed_ids()[-1] == early.id
    assert sealed.seal() == 0


def another_envelope(sealed):
    with unit_of_work(sealed.database) as session:
        return open_account(session, kind="envelope", guarded=True, at=sealed.at)


def test_a_transaction_rolled_back_leaves_no_leaf(sealed, database):
    book = sealed.book
    sealed.seal()
    with database.sessions() as session:
        post(session, [book.transfer(book.entitlement, book.payable, 5)], at=sealed.at)
        assert sealed.seal() == 0
        session.rollback()
    assert sealed.seal() == 0


def test_sealing_waits_for_nobody_and_nobody_for_it(sealed, test_database):
    sealed.captures(2)
    with psycopg.connect(test_database.url()) as purchase:
        purchase.execute("SELECT 1 FROM ledger.balance LIMIT 1")
        purchase.execute("SELECT pg_advisory_xact_lock_shared(7305789)")
        with psycopg.connect(test_database.url(OWNER_ROLE)) as closing:
            closing.execute("SELECT * FROM ledger.balance FOR UPDATE")
            assert sealed.seal() == 4


def test_two_sealers_at_once_seal_once(sealed, database, test_database, at):
    sealed.captures(2)
    with psycopg.connect(test_database.url()) as other:
        other.execute("SELECT pg_advisory_xact_lock(7305790)")
        assert seal(database, at=at) == 0
    assert seal(database, at=at) == 4


def test_the_state_tells_how_much_waits_and_how_long(sealed, database, at):
    with database.sessions() as session:
        before = seal_state(session, at + timedelta(seconds=7))
        assert (before.size, before.unsealed, before.unsealed_seconds) == (0, 2, 7.0)
        assert before.sealed_at is None
    sealed.seal()
    sealed.captures(3)
    with database.sessions() as session:
        after = seal_state(session, at + timedelta(seconds=9))
    assert (after.size, after.sealed_at, after.unsealed, after.unsealed_seconds) == (2, at, 3, 9.0)
    sealed.seal()
    with database.sessions() as session:
        assert seal_state(session, at + timedelta(days=1)).unsealed_seconds == 0


def test_after_a_restore_into_another_cluster_nothing_is_lost_or_doubled(sealed, database):
    """A logical restore brings rows whose transaction numbers are another cluster's."""
    sealed.captures(5)
    sealed.seal()
    with sealed.tampering() as connection:
        connection.execute("UPDATE ledger.seal_round SET system_identifier = 'another cluster'")
        # Numbers that this cluster will only reach later.
        connection.execute(
            "UPDATE ledger.transfer SET recorded_in = (SELECT pg_snapshot_xmax("
            "pg_current_snapshot())::text::bigint + 3) WHERE kind = 'capture'"
        )
    fresh = sealed.captures(2)
    assert sealed.seal() == 2
    assert last_round(database)[2] is True
    more = sealed.captures(6)
    assert sealed.seal() == 6
    ids = sealed.sealed_ids()
    assert len(ids) == len(set(ids)) == 15
    assert ids[7:] == [each.id for each in (*fresh, *more)]


def test_numbers_of_transactions_ahead_of_this_cluster_mean_another_one(sealed, database):
    sealed.captures(2)
    sealed.seal()
    with sealed.tampering() as connection:
        connection.execute("UPDATE ledger.seal_round SET snapshot = '90000000:90000000:'")
    sealed.captures(1)
    assert sealed.seal() == 1
    assert last_round(database)[2] is True


def test_a_changed_end_of_the_log_stops_sealing(sealed):
    sealed.captures(2)
    sealed.seal()
    with sealed.tampering() as connection:
        connection.execute(
            "UPDATE ledger.seal_bundle SET hashes = overlay(hashes PLACING '\\x00'::bytea FROM 1)"
        )
    sealed.captures(1)
    with pytest.raises(SealBroken):
        sealed.seal()
    with sealed.tampering() as connection:
        connection.execute(
            "UPDATE ledger.seal_bundle SET hashes = substring(hashes FROM 33),"
            " transfer_ids = transfer_ids[2:]"
        )
    with pytest.raises(SealBroken):
        sealed.seal()


REFUSED_TO_THE_OWNER = (
    "DELETE FROM ledger.seal_bundle",
    "TRUNCATE ledger.seal_bundle",
    "UPDATE ledger.seal_bundle SET hashes = sha256('x') || substring(hashes FROM 33)",
    "UPDATE ledger.seal_bundle SET transfer_ids = gen_random_uuid() || transfer_ids[2:]",
    "UPDATE ledger.seal_bundle SET transfer_ids = transfer_ids[1:1], hashes = substring(hashes FOR 32)",
    "UPDATE ledger.seal_bundle SET number = 1",
    "SELECT ledger.seal_leaves(2, ARRAY[gen_random_uuid()], sha256('x'))",
    "DELETE FROM ledger.seal_tile",
    "TRUNCATE ledger.seal_tile",
    "UPDATE ledger.seal_tile SET hashes = sha256('x')",
    "UPDATE ledger.seal_tile SET number = 3",
    "UPDATE ledger.seal_round SET root = sha256('x')",
    "DELETE FROM ledger.seal_round",
    "TRUNCATE ledger.seal_round CASCADE",
    "SELECT ledger.end_seal_round(1, sha256('x'), '1:1:', 's', false, now())",
    "UPDATE ledger.checkpoint SET note = ''",
    "DELETE FROM ledger.checkpoint",
    "TRUNCATE ledger.checkpoint",
)


def test_the_database_refuses_even_the_owner_to_change_what_is_sealed(test_database):
    with psycopg.connect(test_database.url(OWNER_ROLE)) as owner:
        for number in range(2):
            owner.execute(
                "SELECT ledger.seal_leaves(0, ARRAY(SELECT gen_random_uuid()"
                " FROM generate_series(1, 2)), sha256(%s) || sha256('b'))",
                [bytes([number])],
            )
        owner.execute("SELECT ledger.seal_nodes(1, 0, sha256('n'))")
        owner.execute("SELECT ledger.end_seal_round(4, sha256('r'), '1:1:', 's', false, now())")
        owner.execute("SELECT ledger.keep_checkpoint(4, 'note', NULL, now())")
        owner.commit()
        for statement in REFUSED_TO_THE_OWNER:
            with pytest.raises(psycopg.DatabaseError) as refused:
                owner.execute(statement)
            assert refused.value.sqlstate == "SP001", statement
            owner.rollback()


REFUSED_TO_THE_APPLICATION = (
    "INSERT INTO ledger.seal_bundle VALUES (0, ARRAY[gen_random_uuid()], sha256('x'))",
    "UPDATE ledger.seal_bundle SET number = 1",
    "INSERT INTO ledger.seal_tile VALUES (1, 0, sha256('x'))",
    "INSERT INTO ledger.seal_round VALUES (1, sha256('x'), '1:1:', 's', false, now())",
    "INSERT INTO ledger.checkpoint VALUES (1, 'note', NULL, now())",
    "DELETE FROM ledger.checkpoint",
)


def test_the_application_writes_no_table_of_the_seal(test_database):
    with psycopg.connect(test_database.url()) as application:
        for statement in REFUSED_TO_THE_APPLICATION:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(statement)
            application.rollback()


def test_a_bundle_holds_256_leaves_at_most(test_database):
    with psycopg.connect(test_database.url()) as application:
        with pytest.raises(psycopg.errors.CheckViolation):
            application.execute(
                "SELECT ledger.seal_leaves(0, ARRAY(SELECT gen_random_uuid()"
                " FROM generate_series(1, 257)), decode(repeat('00', 257 * 32), 'hex'))"
            )


def test_the_tail_is_found_by_the_block_range_index(sealed, test_database):
    """On a long book a round reads its end only."""
    with sealed.tampering() as connection:
        connection.execute(
            "INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,"
            " correlation_id, counts_at, recorded_at, recorded_in) SELECT gen_random_uuid(),"
            " gen_random_uuid(), gen_random_uuid(), 1, 'capture', gen_random_uuid(), now(), now(),"
            " number FROM generate_series(1, 30000) number"
        )
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE ledger.transfer")
        plan = connection.execute(
            "EXPLAIN SELECT id FROM ledger.transfer WHERE recorded_in >= 29990"
            " AND recorded_in < 30010 AND NOT pg_visible_in_snapshot(recorded_in::text::xid8,"
            " '29990:29990:'::pg_snapshot) ORDER BY recorded_in, id"
        ).fetchall()
    assert "recorded_in_idx" in "\n".join(row[0] for row in plan)
