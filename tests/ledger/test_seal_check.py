"""`sesame ledger verify` on the seal: what a superuser did with every trigger off."""

import pytest

from ledger.leaves import LEAF_COLUMNS
from ledger.seal_check import NONE_PAST_THE_SEAL, SEALED_AS_IT_WAS, TREE_HOLDS, check_seal
from ledger.verify import verify

HONEST = {SEALED_AS_IT_WAS: [], NONE_PAST_THE_SEAL: [], TREE_HOLDS: []}
ALTERED = {
    "amount": "amount + 1",
    "kind": "CASE kind WHEN 'refund' THEN 'return' ELSE 'refund' END",
    "happened_at": "coalesce(happened_at, counts_at) + interval '1 microsecond'",
    "counts_at": "counts_at + interval '1 microsecond'",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "recorded_in": "recorded_in - 1",
}


def found(sealed, archives=()):
    with sealed.database.sessions() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        return check_seal(session, archives)


def test_an_honest_book_is_as_it_was_sealed(sealed):
    assert found(sealed) == HONEST
    sealed.captures(300)
    sealed.seal()
    sealed.sign()
    sealed.captures(2)
    assert found(sealed) == HONEST
    with sealed.database.sessions() as session:
        assert verify(session).holds


def test_each_column_that_is_changed_is_seen(sealed):
    captures = sealed.captures(len(LEAF_COLUMNS))
    sealed.seal()
    for capture, column in zip(captures, LEAF_COLUMNS, strict=True):
        with sealed.tampering() as connection:
            connection.execute(
                f"UPDATE ledger.transfer SET {column} = {ALTERED.get(column, 'gen_random_uuid()')}"
                " WHERE id = %s",
                [capture.id],
            )
    broken = found(sealed)[SEALED_AS_IT_WAS]
    assert broken == [str(capture.id) for capture in captures]


def test_a_row_that_is_gone_and_two_that_were_exchanged_are_seen(sealed):
    gone, one, other = sealed.captures(3)
    sealed.seal()
    with sealed.tampering() as connection:
        connection.execute("DELETE FROM ledger.transfer WHERE id = %s", [gone.id])
        connection.execute(
            "UPDATE ledger.transfer SET amount = CASE amount WHEN 2 THEN 3 ELSE 2 END"
            " WHERE id IN (%s, %s)",
            [one.id, other.id],
        )
    assert found(sealed)[SEALED_AS_IT_WAS] == [str(each.id) for each in (gone, one, other)]
    with sealed.database.sessions() as session:
        assert not verify(session).holds


@pytest.mark.parametrize("number", ["1", "9000000000000000000"])
def test_a_row_put_in_with_a_number_past_the_seal_is_seen(sealed, number):
    sealed.captures(1)
    sealed.seal()
    with sealed.tampering() as connection:
        (stray,) = connection.execute(
            "INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,"
            " correlation_id, counts_at, recorded_at, recorded_in) SELECT gen_random_uuid(),"
            " debit_account_id, credit_account_id, 5, kind, correlation_id, counts_at, recorded_at,"
            f" {number} FROM ledger.transfer WHERE kind = 'capture' RETURNING id"
        ).fetchone()
    sealed.seal()
    assert found(sealed) == HONEST | {NONE_PAST_THE_SEAL: [str(stray)]}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger.seal_tile SET hashes = sha256('x')",
        "DELETE FROM ledger.seal_tile",
        "UPDATE ledger.seal_round SET root = sha256('x')",
        "UPDATE ledger.checkpoint SET note = replace(note, E'\\n302\\n', E'\\n301\\n'), size = 301",
        "UPDATE ledger.checkpoint SET note = 'nonsense'",
        "INSERT INTO ledger.checkpoint SELECT 9999, note, NULL, recorded_at FROM ledger.checkpoint",
    ],
)
def test_a_log_that_no_longer_leads_to_what_was_signed_is_seen(sealed, change):
    sealed.captures(300)
    sealed.seal()
    sealed.sign()
    with sealed.tampering() as connection:
        connection.execute(change)
    broken = found(sealed)
    assert broken[TREE_HOLDS]
    assert not broken[SEALED_AS_IT_WAS]


def test_what_was_detached_is_looked_for_in_its_archive(sealed):
    """A year's partition is exported, detached, and still verified."""
    old = sealed.captures(4)
    archive, _ = sealed.export()
    recent = sealed.captures(2)
    sealed.seal()
    with sealed.tampering() as connection:
        connection.execute(
            "DELETE FROM ledger.transfer WHERE id = ANY (%s)", [[each.id for each in old]]
        )
    assert found(sealed)[SEALED_AS_IT_WAS] == [str(each.id) for each in old]
    assert found(sealed, [archive])[SEALED_AS_IT_WAS] == []
    with sealed.tampering() as connection:
        connection.execute("DELETE FROM ledger.transfer WHERE id = %s", [recent[0].id])
    assert found(sealed, [archive])[SEALED_AS_IT_WAS] == [str(recent[0].id)]
