"""The commands, as staff type them."""

import json
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from cardsvc.cards import open_card
from cardsvc.cards.commands import card, issuer_key
from cardsvc.cards.reasons import CardMissing, CardMoveRefused, IssuerKeyMissing
from sesame.platform.command import process
from sesame.platform.database import unit_of_work


@pytest.fixture
def run(settings, scheme, monkeypatch):
    """Return a function that runs a command of this test's installation."""
    monkeypatch.setenv("SESAME_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("SESAME_DATABASE_URL", str(settings.database_url))
    process.cache_clear()
    yield lambda group, *arguments: CliRunner().invoke(group, [str(each) for each in arguments])
    process().database.dispose()
    process.cache_clear()


def answer(result):
    assert result.exception is None, result.output
    return json.loads(result.stdout)


@pytest.fixture
def card_id(database, beneficiary, at):
    with unit_of_work(database) as session:
        return open_card(session, beneficiary, at)


def test_a_card_is_blocked_unblocked_lost_and_replaced(run, card_id, database):
    for order, state in (("block", "blocked"), ("unblock", "active"), ("lost", "lost")):
        assert answer(run(card, order, card_id, "--json")) == {
            "card_id": str(card_id),
            "state": state,
        }
    new = answer(run(card, "replace", card_id, "--json"))
    assert new["state"] == "active"
    assert new["card_id"] != str(card_id)
    with unit_of_work(database) as session:
        states = session.scalars(text("SELECT state FROM cardsvc.card ORDER BY state")).all()
        reasons = session.scalars(text("SELECT DISTINCT reason FROM cardsvc.card_transition")).all()
    assert states == ["active", "lost"]
    assert reasons == ["staff_asked"]


def test_without_json_a_person_reads_the_state(run, card_id):
    assert run(card, "block", card_id).stdout == f"{card_id}  blocked\n"


def test_a_move_that_the_cards_life_refuses_fails(run, card_id):
    assert isinstance(run(card, "unblock", card_id).exception, CardMoveRefused)
    assert isinstance(run(card, "replace", card_id).exception, CardMoveRefused)


def test_a_card_that_does_not_exist_is_said(run):
    for order in ("block", "replace"):
        assert isinstance(run(card, order, uuid4()).exception, CardMissing)
    assert run(card, "block", "not-an-id").exit_code == 2


def test_keys_are_rotated_withdrawn_and_listed(run, issuer_key_id):
    second = answer(run(issuer_key, "rotate", "--json"))["key_id"]
    answer(run(issuer_key, "withdraw", issuer_key_id, "--json"))
    listed = {each["key_id"]: each["state"] for each in answer(run(issuer_key, "list", "--json"))}
    assert listed == {issuer_key_id: "withdrawn", second: "active"}
    assert f"{second}  FR-VA  active" in run(issuer_key, "list").stdout


def test_withdrawing_a_key_that_does_not_exist_fails(run):
    failed = run(issuer_key, "withdraw", "0123456789abcdef")
    assert isinstance(failed.exception, IssuerKeyMissing)


@pytest.mark.parametrize("group", [card, issuer_key], ids=["card", "issuer-key"])
def test_every_command_shows_an_example(run, group):
    for name, command in group.commands.items():
        assert f"Example: sesame {group.name} {name}" in run(group, name, "--help").stdout, command
