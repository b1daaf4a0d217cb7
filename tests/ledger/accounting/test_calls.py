"""Calls for funds: what another funder bears, to the cent, against a plain model in Python."""

import random
import threading
from collections import defaultdict
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from ledger.accounting.call_files import as_csv, as_json, as_pdf
from ledger.accounting.calls import borne_cents, call_for_funds, calls
from ledger.accounting.reasons import CallAhead, NothingToCall, SameFunder
from ledger.grants import post_ticket_grants
from ledger.tickets import capture_tickets
from ledger.transfers import NewTransfer, post
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import APPLICATION_ROLE
from sesame.platform.ids import uuid7
from tests.ledger.accounting.conftest import NOW, PARIS, YEAR

WAYS = {
    "two": [("region", 60), ("department", 40)],
    "three": [("department", 7), ("region", 5), ("town", 3)],
}


def model_parts(amount, weights):
    """The first bears its share of the whole rounded to the nearest cent, half up; and so on."""
    parts, left, whole = [], amount, sum(weights)
    for weight in weights:
        part = (2 * left * weight + whole) // (2 * whole)
        parts.append(part)
        left, whole = left - part, whole - weight
    return parts


def call(region, name, before, at=NOW):
    with unit_of_work(region.database) as session:
        return call_for_funds(
            session,
            region.envelopes[name],
            region.envelopes["region"],
            counted_before=before,
            at=at,
        )


@pytest.mark.parametrize("seed", [1, 2])
def test_thousands_of_purchases_are_borne_to_the_cent_by_every_funder(region, seed):
    chance = random.Random(seed)
    start = YEAR
    for name in ("region", "department", "town"):
        region.envelope(name, 0, start, floor=-(10**12))
    purses = {}
    for plan, shares in WAYS.items():
        region.plan(plan, shares, start)
        granted = region.grant(plan, [100_000] * 40, start)
        purses |= dict.fromkeys(granted, plan)
    payable = region.payable(start)
    spent = defaultdict(int)
    asked = {name: 0 for name in ("department", "town")}
    captures = []
    for month in range(1, 5):
        at = start + timedelta(days=30 * month)
        bought = [(chance.choice(list(purses)), chance.randint(1, 999)) for _ in range(500)]
        made = [
            NewTransfer(uuid7(at), purse, payable, cents, "capture", uuid7(at), at)
            for purse, cents in bought
        ]
        with unit_of_work(region.database) as session:
            post(session, made, at=at)
        captures += [(each.id, each.debit, each.amount) for each in made]
        for purse, cents in bought:
            spent[purse] += cents
        for capture, purse, cents in [captures.pop(chance.randrange(500)) for _ in range(25)]:
            back = chance.randint(1, cents)
            to_funders = chance.random() < 0.3
            region.give_back(capture, back, at, to_funders=to_funders)
            spent[purse] -= back
        before = at + timedelta(days=1)
        for name, asked_before in asked.items():
            borne = 0
            for purse, cents in spent.items():
                shares = dict(
                    zip(
                        [each for each, _weight in WAYS[purses[purse]]],
                        model_parts(cents, [weight for _each, weight in WAYS[purses[purse]]]),
                        strict=True,
                    )
                )
                borne += shares.get(name, 0)
            made_call = call(region, name, before, at=before)
            assert made_call.borne_cents == borne
            assert made_call.called_cents == borne - asked_before
            assert made_call.before_cents == asked_before
            asked[name] = borne
    kept = region.sql(
        "SELECT envelope_id, sum(called_cents), max(borne_cents), count(*)"
        "  FROM ledger.call_for_funds GROUP BY envelope_id"
    )
    names = {each: name for name, each in region.envelopes.items()}
    assert {names[each]: (total, most, count) for each, total, most, count in kept} == {
        name: (cents, cents, 4) for name, cents in asked.items()
    }


def test_what_refunds_took_back_comes_off_the_next_call(a_year):
    before = YEAR + timedelta(days=100)
    first = call(a_year, "department", before)
    at = YEAR + timedelta(days=300)
    a_year.give_back(a_year.captures[2], 5_000, at)
    with pytest.raises(NothingToCall):
        call(a_year, "department", at + timedelta(days=1))
    a_year.buy(a_year.new[1], a_year.shops[0], 4_000, at + timedelta(days=2))
    a_year.buy(a_year.old[0], a_year.shops[0], 5_000, at + timedelta(days=2))
    second = call(a_year, "department", at + timedelta(days=3), at=NOW + timedelta(seconds=1))
    # By hand, the Region first (60 %), the Department the rest: old[0] 1 201 + 333 + 5 000 = 6 534, of
    # which 2 614; new[1] 9 998 - 50 - 5 000 + 4 000 = 8 948, of which 3 579; new[0] 1 000: 400; old[1] 7: 3.
    assert second.borne_cents == 2_614 + 3_579 + 400 + 3
    assert first.called_cents + second.called_cents == second.borne_cents
    assert second.before_cents == first.called_cents
    with a_year.database.sessions() as session:
        both = calls(session, a_year.envelopes["department"], a_year.envelopes["region"])
    assert both == [first, second]


def test_only_what_counts_before_the_moment_is_called(a_year):
    envelope, paying = a_year.envelopes["department"], a_year.envelopes["region"]
    with a_year.database.sessions() as session:
        assert borne_cents(session, envelope, paying, counted_before=YEAR - timedelta(days=39)) == 0
        # The one sale of 2025: 1 201, of which the Region bears 720.6, so 721.
        assert borne_cents(session, envelope, paying, counted_before=YEAR) == 480


def test_tickets_are_borne_as_the_price_that_was_paid(region):
    region.envelope("region", 0, YEAR, floor=-100_000)
    region.envelope("department", 0, YEAR, floor=-100_000)
    region.plan("card", WAYS["two"], YEAR)
    tickets, backing = uuid7(YEAR), uuid7(YEAR)
    with unit_of_work(region.database) as session:
        post_ticket_grants(
            session, [tickets], [backing], [3], asset="CINEMA", unit_cents=1_200,
            share_plan_id=region.plans["card"], correlation_id=uuid7(YEAR), counts_at=YEAR, at=YEAR,
        )  # fmt: skip
    payable = region.payable(YEAR)
    with unit_of_work(region.database) as session:
        capture_tickets(
            session, tickets, 2, payable=payable, price_cents=2_003,
            correlation_id=uuid7(YEAR), counts_at=YEAR, at=YEAR,
        )  # fmt: skip
    # 60 % of 20.03 € is 12.018 €: the Region bears 12.02 €.
    assert call(region, "department", YEAR + timedelta(days=1)).called_cents == 801


def test_a_call_is_for_what_has_counted_between_two_who_share(a_year):
    region, department = a_year.envelopes["region"], a_year.envelopes["department"]
    stranger = a_year.envelope("stranger", 100, YEAR)
    with unit_of_work(a_year.database) as session:
        with pytest.raises(CallAhead):
            call_for_funds(
                session, department, region, counted_before=NOW + timedelta(seconds=1), at=NOW
            )
        for envelope in (region, stranger, uuid7(NOW)):
            with pytest.raises(SameFunder):
                call_for_funds(session, envelope, region, counted_before=NOW, at=NOW)
    assert a_year.sql("SELECT count(*) FROM ledger.call_for_funds") == [(0,)]


def test_two_calls_at_once_ask_once(a_year):
    asked, nothing = [], []

    def ask():
        try:
            asked.append(call(a_year, "department", NOW).called_cents)
        except NothingToCall:
            nothing.append(1)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(asked), len(nothing)) == (1, 3)
    assert a_year.sql("SELECT sum(called_cents) FROM ledger.call_for_funds") == [(asked[0],)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.call_for_funds SET called_cents = 1",
        "DELETE FROM ledger.call_for_funds",
        "TRUNCATE ledger.call_for_funds",
        "INSERT INTO ledger.call_for_funds SELECT gen_random_uuid(), envelope_id, paying_envelope_id,"
        " counted_before, borne_cents, called_cents, recorded_at FROM ledger.call_for_funds",
    ],
)
def test_the_application_can_not_touch_a_call(a_year, test_database, statement):
    call(a_year, "department", NOW)
    with psycopg.connect(test_database.url(APPLICATION_ROLE)) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        ("UPDATE ledger.call_for_funds SET called_cents = 1", "P0001|SP001"),
        ("DELETE FROM ledger.call_for_funds", "P0001|SP001"),
        ("TRUNCATE ledger.call_for_funds", "P0001|SP001"),
    ],
)
def test_not_even_the_superuser_changes_a_call(a_year, statement, refused):
    call(a_year, "department", NOW)
    with psycopg.connect(a_year.url) as connection:
        with pytest.raises(psycopg.Error) as error:
            connection.execute(statement)
    assert error.value.sqlstate in refused.split("|")


@pytest.mark.parametrize(
    ("borne", "called", "before", "constraint"),
    [
        (10, 0, NOW, "called"),
        (10, 11, NOW, "called"),
        (10, 10, NOW + timedelta(seconds=1), "not_ahead"),
    ],
)
def test_the_database_refuses_a_call_that_can_not_be(a_year, borne, called, before, constraint):
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        a_year.sql(
            "INSERT INTO ledger.call_for_funds VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
            uuid7(NOW), a_year.envelopes["department"], a_year.envelopes["region"], before, borne,
            called, NOW,
        )  # fmt: skip


def test_a_call_as_files_says_the_same_three_times(a_year, pdf_text):
    made = call(a_year, "department", NOW)
    assert as_json(made)["called_cents"] == made.called_cents
    assert UUID(as_json(made)["id"]) == made.id
    euros = f"{made.called_cents // 100},{made.called_cents % 100:02d}"
    assert f";{euros};" in as_csv(made, zone=PARIS).decode("utf-8-sig")
    printed = as_pdf(
        made, zone=PARIS, scheme_name="Val-d'Ambre", funder="<b>Département</b>", payer="Région"
    )
    text = pdf_text(printed)
    assert f"Montant appelé {euros} €" in text
    assert "<b>Département</b>" in text
    assert str(made.id) in text
