"""Many purchases at once: shown going wrong without the guard, then never with it."""

import threading
from uuid import UUID, uuid4

import psycopg
import pytest

from cardsvc.cards.life import block_card
from merchants.purchases import authorise, rounds
from merchants.purchases.authorise import LOCKED_TURNS, OPTIMISTIC_TURNS
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import OWNER_ROLE

BUYERS = 200
PRICE = 350
FIT = 20  # of those prices in 70 €

_POST_SETS = """
CREATE OR REPLACE FUNCTION ledger.post_sets(
    p_set integer[], p_ids uuid[], p_debits uuid[], p_credits uuid[], p_amounts bigint[],
    p_kinds text[], p_correlations uuid[], p_counts_at timestamptz[], p_recorded_at timestamptz,
    p_happened_at timestamptz[] DEFAULT NULL
) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    %s
END $$
"""

CARELESS_POSTING = (
    _POST_SETS
    % """
    -- What a careless program does: it has read, it has decided, now it writes.
    INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,
                                 correlation_id, counts_at, recorded_at)
    SELECT id, debit, credit, amount, 'capture', correlation, p_recorded_at, p_recorded_at
      FROM unnest(p_ids, p_debits, p_credits, p_amounts, p_correlations)
        AS t(id, debit, credit, amount, correlation);
    UPDATE ledger.balance b SET balance = greatest(0, b.balance - t.amount)
      FROM unnest(p_debits, p_amounts) AS t(debit, amount) WHERE b.account_id = t.debit;
    RETURN array_fill('posted'::text, ARRAY[p_set[cardinality(p_set)]]);
"""
)

CARELESS_LOOK = """
CREATE OR REPLACE FUNCTION merchants.what_stands_against(
    p_decisions merchants.decision[],
    p_use_of integer[], p_use_periods text[], p_use_keys text[], p_use_amounts bigint[],
    p_use_limits bigint[],
    p_transfer_of integer[], p_debits uuid[], p_amounts bigint[], p_at timestamptz
) RETURNS jsonb[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN array_fill(NULL::jsonb, ARRAY[cardinality(p_decisions)]);
END $$
"""

ROW_TAKEN = """
CREATE OR REPLACE FUNCTION cardsvc.lock_free_beneficiaries(p_beneficiaries uuid[]) RETURNS uuid[]
LANGUAGE sql AS $$ SELECT '{}'::uuid[] $$
"""

LOCK_NOT_HAD = """
CREATE OR REPLACE FUNCTION cardsvc.lock_beneficiary(p_beneficiary uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'lock timeout' USING ERRCODE = '55P03';
END $$
"""

# Says that the balance has moved, as often as the sequence has not passed %(times)s.
MOVING = (
    _POST_SETS
    % """
    IF nextval('public.turn') <= %(times)s THEN
        RAISE EXCEPTION 'insufficient balance' USING ERRCODE = 'SL001';
    END IF;
    RETURN ledger.post_sets_as_before(
        p_set, p_ids, p_debits, p_credits, p_amounts, p_kinds, p_correlations, p_counts_at,
        p_recorded_at);
"""
)


@pytest.fixture
def shop(town):
    """A till whose shop has sold before: its payable is open."""
    till = town.add_shop()
    town.answer(("textbooks", 1), student=town.add_student(), till=till)
    return till


def rounds_of(monkeypatch):
    """Return a list that grows by the size of each round from now on."""
    sizes, real = [], authorise.play_round

    def spy(connection, zone, purchases, **how):
        sizes.append(len(purchases))
        return real(connection, zone, purchases, **how)

    monkeypatch.setattr(authorise, "play_round", spy)
    return sizes


def buy_at_once(town, shop):
    # The codes are made before the rush: what is measured is the server, not the phones.
    baskets = [town.basket(("textbooks", PRICE)) for _ in range(BUYERS)]
    return town.at_once(
        lambda number: town.read(shop.post(baskets[number])), BUYERS, threads=BUYERS
    )


def test_without_the_guard_two_hundred_purchases_overspend(town, shop, monkeypatch):
    # As in many processes: in one, purchases of one card take turns.
    together = town.app.extensions["purchase_desk"].together
    monkeypatch.setattr(together, "_traits", lambda each: (id(each),))
    with (
        town.broken(CARELESS_POSTING, function="ledger.post_sets"),
        town.broken(CARELESS_LOOK, function="merchants.what_stands_against"),
    ):
        answers = buy_at_once(town, shop)
    approved = sum(answer["approved_cents"] for answer in answers)
    assert approved > 7_000
    assert town.spent_cents() == approved


def test_with_it_two_hundred_purchases_take_what_fits_in_seventy_euros_and_no_more(town, shop):
    answers = buy_at_once(town, shop)
    outcomes = [answer["outcome"] for answer in answers]
    assert (outcomes.count("approved"), outcomes.count("refused")) == (FIT, BUYERS - FIT)
    assert {answer["reasons"][0]["code"] for answer in answers if answer["reasons"]} == {
        "entitlement_exhausted"
    }
    assert town.spent_cents() == FIT * PRICE == 7_000
    assert town.left_cents("manuels") == 0
    assert len(town.kept("id")) == BUYERS


def test_parts_taken_at_once_leave_nothing_over_and_take_nothing_twice(town, shop):
    baskets = [town.basket(("textbooks", 900), partial=True) for _ in range(30)]
    answers = town.at_once(lambda number: town.read(shop.post(baskets[number])), 30, threads=15)
    approved = sorted(answer["approved_cents"] for answer in answers if answer["approved_cents"])
    assert approved == [700] + [900] * 7
    assert town.spent_cents() == 7_000


def test_the_cap_of_a_day_holds_for_purchases_at_once(town, shop):
    baskets = [town.basket(("books", 250)) for _ in range(24)]
    answers = town.at_once(lambda number: town.read(shop.post(baskets[number])), 24, threads=12)
    assert [answer["outcome"] for answer in answers].count("approved") == 4
    assert town.spent_cents() == 1_000
    assert town.sql(
        "SELECT used_cents FROM cardsvc.cap_usage WHERE beneficiary_id = %s", town.student.id
    ) == [(1_000,)]


def test_purchases_of_two_entitlements_in_crossed_orders_do_not_wait_for_ever(town, shop):
    baskets = [
        town.basket(*(lines if number % 2 else reversed(lines)))
        for number in range(40)
        for lines in [(("textbooks", 100), ("music", 30))]
    ]
    answers = town.at_once(lambda number: town.read(shop.post(baskets[number])), 40, threads=20)
    assert {answer["outcome"] for answer in answers} == {"approved"}
    assert town.spent_cents() == 40 * 130


def test_first_sales_at_once_open_one_payable(town):
    shop = town.add_shop()
    students = [town.add_student() for _ in range(8)]
    baskets = [town.basket(("textbooks", 100), student=student) for student in students]
    answers = town.at_once(lambda number: town.read(shop.post(baskets[number])), 8, threads=8)
    assert {answer["outcome"] for answer in answers} == {"approved"}
    assert town.sql(
        "SELECT count(*), count(DISTINCT t.credit_account_id) FROM ledger.transfer t"
        " JOIN merchants.decision d ON d.id = t.correlation_id WHERE d.site_id = %s",
        shop.site_id,
    ) == [(8, 1)]


def test_a_rush_of_first_sales_after_a_stall_is_paid_in_few_rounds(town, monkeypatch):
    """What comes while a round is under way is the next round: at most fifty, one of a card each."""
    shop = town.add_shop()
    students = [town.add_student() for _ in range(24)]
    baskets = [town.basket(("textbooks", 10), student=student) for student in students]
    sizes = rounds_of(monkeypatch)
    answers = []
    rush = threading.Thread(
        target=lambda: answers.extend(
            town.at_once(lambda number: shop.post(baskets[number]), len(baskets))
        )
    )
    with psycopg.connect(town.test_database.url(OWNER_ROLE)) as stall:
        stall.execute("LOCK TABLE merchants.decision IN ACCESS EXCLUSIVE MODE")
        rush.start()
        while len(town.app.extensions["purchase_desk"].together._queue) < len(baskets) - 1:
            assert rush.is_alive()
    rush.join()
    assert {answer.status_code for answer in answers} == {201}
    assert sizes[:2] == [1, len(baskets) - 1]
    assert sum(town.spent_cents(student) for student in students) == 10 * len(baskets)


@pytest.fixture
def moving(town):
    """Let every balance move under the purchases, for so many turns."""

    def begin(times):
        address = town.test_database.url("postgres")
        with psycopg.connect(address, autocommit=True) as owner:
            ((source,),) = owner.execute(
                "SELECT pg_get_functiondef('ledger.post_sets'::regproc)"
            ).fetchall()
            owner.execute("DROP SEQUENCE IF EXISTS public.turn")
            owner.execute("CREATE SEQUENCE public.turn")
            owner.execute("GRANT USAGE, SELECT ON SEQUENCE public.turn TO sesame_app")
            owner.execute(source.replace("ledger.post_sets(", "ledger.post_sets_as_before("))
        return town.broken(MOVING % {"times": times}, function="ledger.post_sets")

    return begin


def turns(town):
    """How often the money was about to move."""
    address = town.test_database.url("postgres")
    with psycopg.connect(address) as connection:
        return connection.execute("SELECT last_value FROM public.turn").fetchone()[0]


@pytest.mark.parametrize("times", [1, OPTIMISTIC_TURNS, OPTIMISTIC_TURNS + LOCKED_TURNS - 1])
def test_a_purchase_whose_balance_moves_starts_over_and_is_paid_once(town, shop, moving, times):
    with moving(times):
        got = town.answer(("textbooks", 500), till=shop)
        assert turns(town) == times + 1
    assert got["outcome"] == "approved"
    assert town.spent_cents() == 500
    assert len(town.kept("id")) == 1


def test_once_alone_the_holders_row_is_locked_before_anything_is_read(
    town, shop, moving, monkeypatch
):
    waiting = []
    real = rounds.decide

    def spy(*args, **kwargs):
        with psycopg.connect(town.test_database.url()) as other:
            free = other.execute(
                "SELECT 1 FROM cardsvc.beneficiary WHERE id = %s FOR UPDATE SKIP LOCKED",
                [town.student.id],
            ).fetchone()
        waiting.append(free is None)
        return real(*args, **kwargs)

    monkeypatch.setattr(rounds, "decide", spy)
    with moving(OPTIMISTIC_TURNS):
        assert town.answer(("textbooks", 500), till=shop)["outcome"] == "approved"
    # The ledger raised: from then on the purchase is alone, and holds the row.
    assert waiting == [False] + [True] * OPTIMISTIC_TURNS


def test_a_card_that_never_stands_still_is_busy_and_nothing_is_written(town, shop, moving):
    key = str(uuid4())
    basket = town.basket(("textbooks", 500))
    before = town.everything()
    with moving(10_000):
        busy = shop.post(basket, key)
        assert turns(town) == OPTIMISTIC_TURNS + LOCKED_TURNS
    assert (busy.status_code, busy.get_json()["code"]) == (503, "purchase_busy")
    assert busy.mimetype == "application/problem+json"
    assert town.everything() == before
    # The key is free: the same sale can be sent again, and is paid.
    assert town.read(shop.post(basket, key))["outcome"] == "approved"


def test_a_card_that_another_sale_holds_for_too_long_is_busy_and_nothing_is_written(town, shop):
    basket, key = town.basket(("textbooks", 500)), str(uuid4())
    before = town.everything()
    with (
        town.broken(ROW_TAKEN, function="cardsvc.lock_free_beneficiaries"),
        town.broken(LOCK_NOT_HAD, function="cardsvc.lock_beneficiary"),
    ):
        busy = shop.post(basket, key)
    assert (busy.status_code, busy.get_json()["code"]) == (503, "purchase_busy")
    assert town.everything() == before
    assert town.read(shop.post(basket, key))["outcome"] == "approved"


def test_an_error_of_the_database_is_ours_and_writes_nothing(town, shop):
    # Once for the round, and once more when the purchase goes on alone.
    broken = MOVING.replace("SL001", "22012") % {"times": 2}
    address = town.test_database.url("postgres")
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute("DROP SEQUENCE IF EXISTS public.turn")
        owner.execute("CREATE SEQUENCE public.turn")
        owner.execute("GRANT USAGE, SELECT ON SEQUENCE public.turn TO sesame_app")
    basket, before = town.basket(("textbooks", 500)), town.everything()
    with town.broken(broken, function="ledger.post_sets"):
        failed = shop.post(basket, "a-failed-sale-1")
    assert (failed.status_code, failed.get_json()["code"]) == (500, "unexpected")
    assert "insufficient" not in failed.get_data(as_text=True)
    assert town.everything() == before
    assert town.read(shop.post(basket, "a-failed-sale-1"))["outcome"] == "approved"


def test_the_holders_row_is_locked_before_the_key_so_that_two_retries_never_deadlock(town, shop):
    basket, key = town.basket(("textbooks", 500)), str(uuid4())
    answers = []
    with psycopg.connect(town.test_database.url()) as other:
        # As a purchase in its locked turns: it holds the row, and will claim the same key.
        other.execute("SELECT cardsvc.lock_beneficiary(%s)", [town.student.id])
        retry = threading.Thread(target=lambda: answers.append(shop.post(basket, key)))
        retry.start()
        while not town.sql(
            "SELECT 1 FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))",
            other.info.backend_pid,
        ):
            assert retry.is_alive()
        kept = other.execute(
            "SELECT ledger.claim_key(%s, %s, %s, %s, %s)",
            [f"purchase:{shop.id}", key, bytes(32), "{}", town.clock.now()],
        ).fetchone()
        assert kept == (None,)
        other.commit()
        retry.join()
    (answer,) = answers
    assert (answer.status_code, answer.get_json()["code"]) == (409, "idempotency_conflict")
    assert town.spent_cents() == 0


def test_a_connection_that_is_cut_in_the_middle_writes_nothing_and_the_sale_can_be_sent_again(
    town, shop
):
    basket, key = town.basket(("textbooks", 500)), str(uuid4())
    before = town.everything()
    answers = []
    with psycopg.connect(town.test_database.url("postgres")) as other:
        other.execute("SELECT cardsvc.lock_beneficiary(%s)", [town.student.id])
        sale = threading.Thread(target=lambda: answers.append(shop.post(basket, key)))
        sale.start()
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE %s = ANY (pg_blocking_pids(pid))"
        )
        while not other.execute(cut, [other.info.backend_pid]).fetchall():
            assert sale.is_alive()
            # A transaction sees the activity as it was when it first looked.
            other.execute("SELECT pg_stat_clear_snapshot()")
        sale.join()
    (lost,) = answers
    assert (lost.status_code, lost.get_json()["code"]) == (503, "outcome_unknown")
    assert town.everything() == before
    assert town.read(shop.post(basket, key))["outcome"] == "approved"
    assert town.spent_cents() == 500


def test_a_card_that_is_stopped_between_reading_and_writing_pays_nothing(town, shop, monkeypatch):
    real, stopped = rounds.decide, []

    def decide_while_the_holder_blocks_the_card(*args, **kwargs):
        decided = real(*args, **kwargs)
        if not stopped:
            stopped.extend(
                town.sql("SELECT id FROM cardsvc.card WHERE beneficiary_id = %s", town.student.id)[
                    0
                ]
            )
            with unit_of_work(town.database) as session:
                block_card(session, stopped[0], town.clock.now(), reason="holder_asked")
        return decided

    monkeypatch.setattr(rounds, "decide", decide_while_the_holder_blocks_the_card)
    assert town.refusal(("textbooks", 500), till=shop) == ["card_not_active"]
    assert town.spent_cents() == 0


def test_every_purchase_of_the_rush_has_its_decision_and_its_transfers(town, shop):
    baskets = [town.basket(("textbooks", 100), ("music", 50)) for _ in range(20)]
    answers = town.at_once(lambda number: town.read(shop.post(baskets[number])), 20, threads=10)
    rows = town.sql(
        "SELECT d.approved_cents = sum(t.amount), cardinality(d.transfer_ids) = count(*)"
        " FROM merchants.decision d JOIN ledger.transfer t ON t.correlation_id = d.id"
        " WHERE d.id = ANY (%s) GROUP BY d.id",
        [UUID(answer["purchase_id"]) for answer in answers],
    )
    assert rows == [(True, True)] * 20
