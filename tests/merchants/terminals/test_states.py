"""Active, suspended, revoked; and what a purchase is told of a terminal."""

import itertools
import json
import threading
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from merchants.directory.payables import payable_account
from merchants.terminals.commands import terminal as terminal_commands
from merchants.terminals.reasons import (
    TerminalChangeTooEarly,
    TerminalTransitionRefused,
    TerminalUnknown,
)
from merchants.terminals.states import change_state
from sesame.platform.database import unit_of_work

ALLOWED = {
    ("active", "suspended"),
    ("active", "revoked"),
    ("suspended", "active"),
    ("suspended", "revoked"),
}
STATES = ("active", "suspended", "revoked")


def _state(test_database, terminal_id, at):
    with psycopg.connect(test_database.url()) as connection:
        return connection.execute(
            "SELECT merchants.terminal_state(%s, %s)", [terminal_id, at]
        ).fetchone()[0]


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_only_the_allowed_changes_of_state_are_made(session, terminal, at, before, after):
    if before != "active":
        change_state(session, terminal.id, before, reason="essai", at=at)
    if (before, after) in ALLOWED:
        change_state(session, terminal.id, after, reason="essai", at=at)
    else:
        with pytest.raises(TerminalTransitionRefused):
            change_state(session, terminal.id, after, reason="essai", at=at)


def test_an_unknown_terminal_has_no_state(session, scheme, test_database, at):
    with pytest.raises(TerminalUnknown):
        change_state(session, uuid4(), "suspended", reason="", at=at)
    assert _state(test_database, uuid4(), at) is None


def test_a_change_never_goes_back_in_time(session, terminal, at):
    with pytest.raises(TerminalChangeTooEarly):
        change_state(session, terminal.id, "suspended", reason="", at=at - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("number", "before", "after"),
    [(2, "'active'", "active"), (2, "'suspended'", "active"), (3, "'active'", "revoked")],
)
def test_plain_sql_cannot_skip_a_state(terminal, test_database, number, before, after):
    with (
        psycopg.connect(test_database.url("postgres")) as connection,
        pytest.raises(psycopg.Error) as refused,
    ):
        connection.execute(
            "INSERT INTO merchants.terminal_transition VALUES "
            f"('{terminal.id}', {number}, {before}, '{after}', '', '2030-01-01Z')"
        )
    assert refused.value.sqlstate == "SM001"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE merchants.terminal SET public_key = public_key",
        "DELETE FROM merchants.terminal",
        "UPDATE merchants.terminal_transition SET to_state = 'revoked'",
        "DELETE FROM merchants.terminal_transition",
    ],
)
def test_a_terminal_s_key_and_history_are_never_edited(terminal, test_database, statement):
    with (
        psycopg.connect(test_database.url("postgres")) as connection,
        pytest.raises(psycopg.Error) as refused,
    ):
        connection.execute(statement)
    assert refused.value.sqlstate == "SP001"


def test_a_purchase_is_told_everything_it_needs(session, terminal, shop, test_database, at):
    envelope = uuid4()
    account = payable_account(session, shop.payee_id, envelope, at)
    session.commit()
    state = _state(test_database, terminal.id, at)
    version = state["convention"].pop("version_id")
    with psycopg.connect(test_database.url()) as connection:
        versions = connection.execute("SELECT id::text FROM merchants.convention_version")
        assert [(version,)] == versions.fetchall()
    assert state == {
        "terminal_id": str(terminal.id),
        "state": "active",
        "site_id": str(shop.site_id),
        "site_name": "Librairie des Trois Ponts",
        "merchant_id": str(shop.merchant_id),
        "payee_id": str(shop.payee_id),
        "convention": {
            "number": 1,
            "state": "active",
            "parameters": {
                "categories": ["textbooks", "books", "comics"],
                "max_purchase_cents": None,
                "payment_delay_days": 30,
                "accepts_partial": True,
            },
        },
        "payables": {str(envelope): str(account)},
    }


def test_a_shop_without_a_convention_is_told_apart(add_shop, add_terminal, test_database, at):
    terminal = add_terminal(add_shop(convention="none"))
    state = _state(test_database, terminal.id, at)
    assert (state["convention"], state["payables"]) == (None, {})


def test_the_state_is_the_one_of_the_moment_asked_for(session, terminal, test_database, at):
    change_state(session, terminal.id, "suspended", reason="", at=at + timedelta(hours=1))
    session.commit()
    moments = [at - timedelta(hours=1), at, at + timedelta(hours=2)]
    states = [_state(test_database, terminal.id, moment) for moment in moments]
    assert states[0] is None
    assert [state["state"] for state in states[1:]] == ["active", "suspended"]


def test_the_state_is_found_by_index_among_many_terminals(database, terminal, test_database, at):
    with psycopg.connect(test_database.url("postgres")) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "INSERT INTO merchants.terminal SELECT gen_random_uuid(), gen_random_uuid(), 1, 'till', "
            "sha512(n::text::bytea) || '\\x00', now() FROM generate_series(1, 20000) n"
        )
        connection.execute(
            "INSERT INTO merchants.terminal_transition "
            "SELECT id, 1, NULL, 'active', '', now() FROM merchants.terminal WHERE id <> %s",
            [terminal.id],
        )
        connection.commit()
        connection.execute("ANALYZE merchants.terminal, merchants.terminal_transition")
        call = "SELECT merchants.terminal_state(%s, %s)"
        connection.execute(call, [terminal.id, at])
        plan = connection.execute(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + call, [terminal.id, at]
        ).fetchone()[0][0]["Plan"]
    # Twenty thousand terminals fill hundreds of pages: only an index reads so few.
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 60


def test_commands_make_a_code_and_change_the_state(
    run, settings, terminal, shop, test_database, at
):
    made = json.loads(run(terminal_commands, "code", "--site", shop.siret, "--json").output)
    assert len(made["code"]) == 9
    for command, state in [
        ("suspend", "suspended"),
        ("resume", "active"),
        ("revoke", "revoked"),
    ]:
        result = run(terminal_commands, command, str(terminal.id), "--reason", "essai")
        assert result.exit_code == 0, result.output
        later = at + timedelta(days=3650)
        assert _state(test_database, terminal.id, later)["state"] == state
    refused = run(terminal_commands, "resume", str(terminal.id))
    assert refused.exception.code == "terminal_transition_refused"
    assert run(terminal_commands, "resume", "x").exit_code == 2
    unknown = run(terminal_commands, "code", "--site", "73282932000074")
    assert unknown.exception.code == "site_unknown"
    assert run(terminal_commands, "code", "--site", "7").exception.code == "siret_invalid"


def test_two_suspensions_at_once_make_one(database, terminal, test_database, at):
    start, outcomes = threading.Barrier(2), []

    def suspend():
        start.wait()
        try:
            with unit_of_work(database) as session:
                change_state(session, terminal.id, "suspended", reason="", at=at)
            outcomes.append("done")
        except TerminalTransitionRefused as refused:
            outcomes.append(refused.figures["from_state"])

    both = [threading.Thread(target=suspend) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(timeout=10)
    assert sorted(outcomes) == ["done", "suspended"]
    with psycopg.connect(test_database.url()) as connection:
        rows = connection.execute("SELECT to_state FROM merchants.terminal_transition")
        assert sorted(row[0] for row in rows) == ["active", "suspended"]
