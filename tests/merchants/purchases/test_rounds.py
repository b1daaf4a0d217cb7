"""Purchases of one process that come at the same time are one round; each has its own outcome."""

import threading
from contextlib import contextmanager

import psycopg
import pytest

from cardsvc.cards.life import block_card
from merchants.purchases import authorise, rounds
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import OWNER_ROLE

# Says SL002 for the sets of one debit, as the ledger does of an account that it doesn't know.
UNKNOWN_ACCOUNT = """
CREATE OR REPLACE FUNCTION ledger.post_sets(
    p_set integer[], p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[],
    p_kinds text[], p_correlations uuid[], p_counts_at timestamptz[], p_recorded_at timestamptz,
    p_happened_at timestamptz[] DEFAULT NULL
) RETURNS text[] LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT ledger.append_many(
        p_set, p_ids,
        array_replace(p_debits, '{account}', '00000000-0000-7000-8000-000000000000'),
        p_credits, p_amounts, p_kinds, p_correlations, p_counts_at, p_recorded_at,
        array_fill(NULL::timestamptz, ARRAY[cardinality(p_ids)]))
$$
"""


@pytest.fixture
def shop(town):
    """A till whose shop has sold before: its payable is open."""
    till = town.add_shop()
    town.answer(("textbooks", 1), student=town.add_student(), till=till)
    return till


@pytest.fixture
def sizes(monkeypatch):
    """How many purchases each round had, alone ones too."""
    seen, real = [], authorise.play_round

    def spy(connection, zone, purchases, **how):
        seen.append(len(purchases))
        return real(connection, zone, purchases, **how)

    monkeypatch.setattr(authorise, "play_round", spy)
    return seen


def wait_until_queued(town, count, alive):
    together = town.app.extensions["purchase_desk"].together
    while len(together._queue) < count:
        assert alive.is_alive()


@contextmanager
def stalled(town):
    """Hold up whoever decides; yield the connection that does."""
    with psycopg.connect(town.test_database.url(OWNER_ROLE)) as stall:
        stall.execute("LOCK TABLE merchants.decision IN ACCESS EXCLUSIVE MODE")
        yield stall


def cut_whoever_waits_for(town, stall):
    """End the connection that waits for `stall`, once there is one."""
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE %s = ANY (pg_blocking_pids(pid))"
    )
    with psycopg.connect(town.test_database.url("postgres"), autocommit=True) as judge:
        while not judge.execute(cut, [stall.info.backend_pid]).fetchall():
            pass


def send(town, sales, answers):
    """Send each sale, a function, from a thread of its own, in order, behind a first one."""
    running = []
    for place, sale in enumerate(sales):
        thread = threading.Thread(
            target=lambda place=place, sale=sale: answers.__setitem__(place, sale())
        )
        thread.start()
        running.append(thread)
        if place:
            wait_until_queued(town, place, thread)
        else:
            together = town.app.extensions["purchase_desk"].together
            while not together._busy or together._queue:
                assert thread.is_alive()
    return running


def in_one_round(town, shop, sales):
    """Send a first sale of a student's own, and while it is held up all of `sales`."""
    first = town.basket(("textbooks", 10), student=town.add_student())
    answers = {}
    with stalled(town):
        running = send(town, [lambda: shop.post(first), *sales], answers)
    for each in running:
        each.join()
    assert answers[0].status_code == 201
    return [answers[place] for place in range(1, len(sales) + 1)]


def sale(town, shop, student, *lines, key=None, qr=None):
    basket = town.basket(*lines, student=student, qr=qr)
    return lambda: shop.post(basket, key)


def test_each_of_a_round_has_its_own_outcome(town, shop, sizes):
    good, poor, blocked, replaying, retrying = (town.add_student() for _ in range(5))
    for cents in (6_000, 1_000):
        town.answer(("textbooks", cents), student=poor, till=shop)
    shown = replaying.qr(town.clock.now())
    town.answer(("textbooks", 100), qr=shown, till=shop)
    ((card,),) = town.sql("SELECT id FROM cardsvc.card WHERE beneficiary_id = %s", blocked.id)
    with unit_of_work(town.database) as session:
        block_card(session, card, town.clock.now(), reason="holder_asked")
    kept = town.basket(("books", 300), student=retrying)
    first = town.read(shop.post(kept, "one-sale-0001"))
    sizes.clear()
    sales = [
        sale(town, shop, good, ("textbooks", 500), ("books", 100)),
        sale(town, shop, poor, ("textbooks", 500)),
        sale(town, shop, blocked, ("textbooks", 500)),
        sale(town, shop, replaying, ("textbooks", 100), qr=shown),
        lambda: shop.post(kept, "one-sale-0001"),
        sale(town, shop, town.add_student(), ("books", 301)),
    ]
    answers = in_one_round(town, shop, sales)
    assert sizes == [1, 6]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 201, 200, 201]
    said = [town.read(answer) for answer in answers]
    assert [each["outcome"] for each in said] == [
        *("approved", "refused", "refused", "refused", "approved", "approved")
    ]
    assert [each["reasons"][0]["code"] for each in said[1:4]] == [
        *("entitlement_exhausted", "card_not_active", "proof_replayed")
    ]
    assert said[4] == first
    assert [town.spent_cents(each) for each in (good, poor, blocked, replaying, retrying)] == [
        *(600, 7_000, 0, 100, 300)
    ]


def test_one_key_twice_or_one_card_twice_is_not_in_one_round(town, shop, sizes):
    basket, student = town.basket(("textbooks", 500)), town.add_student()
    answers = in_one_round(
        town,
        shop,
        [
            lambda: shop.post(basket, "one-sale-0002"),
            lambda: shop.post(basket, "one-sale-0002"),
            sale(town, shop, student, ("textbooks", 5_000)),
            sale(town, shop, student, ("textbooks", 5_000)),
        ],
    )
    assert sizes == [1, 2, 2]
    assert [answer.status_code for answer in answers] == [201, 200, 201, 201]
    assert answers[0].get_json() == answers[1].get_json()
    assert [answer.get_json()["outcome"] for answer in answers[2:]] == ["approved", "refused"]
    assert (town.spent_cents(), town.spent_cents(student)) == (500, 5_000)


def test_what_the_ledger_refuses_in_a_round_holds_up_no_other(town, shop, sizes):
    students = [town.add_student() for _ in range(3)]
    ((account,),) = town.sql(
        "SELECT account_id FROM cardsvc.entitlement WHERE beneficiary_id = %s AND line = 'manuels'",
        students[1].id,
    )
    broken = UNKNOWN_ACCOUNT.replace("{account}", str(account))
    with town.broken(broken, function="ledger.post_sets"):
        answers = in_one_round(
            town, shop, [sale(town, shop, each, ("textbooks", 500)) for each in students]
        )
    # The round is played again, each for itself.
    assert sizes == [1, 3, 1, 1, 1]
    assert [answer.status_code for answer in answers] == [201, 500, 201]
    assert [town.spent_cents(each) for each in students] == [500, 0, 500]


def test_a_card_that_another_process_holds_goes_on_alone_and_the_others_do_not_wait(
    town, shop, sizes
):
    held, free = town.add_student(), town.add_student()
    sales = [sale(town, shop, each, ("textbooks", 500)) for each in (held, free)]
    answers = {}
    with psycopg.connect(town.test_database.url()) as other:
        other.execute("SELECT cardsvc.lock_beneficiary(%s)", [held.id])
        waiting = threading.Thread(target=lambda: answers.update(held=sales[0]()))
        waiting.start()
        while not town.sql(
            "SELECT 1 FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))",
            other.info.backend_pid,
        ):
            assert waiting.is_alive()
        assert town.read(sales[1]())["outcome"] == "approved"
    waiting.join()
    assert answers["held"].get_json()["outcome"] == "approved"
    assert [town.spent_cents(each) for each in (held, free)] == [500, 500]


def test_a_round_whose_connection_is_cut_tells_each_and_a_retry_gives_the_one_truth(town, shop):
    students = [town.add_student() for _ in range(4)]
    keys = [f"one-sale-1{number:03d}" for number in range(4)]
    baskets = [town.basket(("textbooks", 500), student=each) for each in students]
    sales = [
        lambda basket=basket, key=key: shop.post(basket, key)
        for basket, key in zip(baskets, keys, strict=True)
    ]
    before, answers = town.everything(), {}
    with stalled(town) as stall:
        running = send(town, sales, answers)
        cut_whoever_waits_for(town, stall)  # the first, a round of its own
        running[0].join()
        cut_whoever_waits_for(town, stall)  # the other three
        for each in running:
            each.join()
    assert [answers[place].status_code for place in range(4)] == [503] * 4
    assert {answers[place].get_json()["code"] for place in range(4)} == {"outcome_unknown"}
    assert town.everything() == before
    again = [sale_again() for sale_again in sales]
    assert [answer.status_code for answer in again] == [201] * 4
    assert [town.spent_cents(each) for each in students] == [500] * 4


def test_a_cut_after_the_commit_is_told_too_and_a_retry_finds_the_first_answer(
    town, shop, monkeypatch
):
    basket, key = town.basket(("textbooks", 500)), "one-sale-2000"
    real = rounds._write

    def cut_after(connection, drafts, at):
        real(connection, drafts, at)
        connection.close()
        raise psycopg.OperationalError("cut")

    monkeypatch.setattr(rounds, "_write", cut_after)
    lost = shop.post(basket, key)
    assert (lost.status_code, lost.get_json()["code"]) == (503, "outcome_unknown")
    monkeypatch.setattr(rounds, "_write", real)
    again = shop.post(basket, key)
    assert (again.status_code, again.get_json()["outcome"]) == (200, "approved")
    assert town.spent_cents() == 500
