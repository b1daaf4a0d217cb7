"""Splitting a basket over entitlements: examples, both daylight-saving nights, properties."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardsvc.programmes.spending_plan import read_plan
from cardsvc.programmes.split import BasketLine, CapUse, EntitlementState, split

PARIS = ZoneInfo("Europe/Paris")
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY = "2026-11-24"
VERSION = UUID(int=1)
ENVELOPE = UUID(int=2)
BASE = "livres/2026-2027"


def plan_of(*lines):
    return {
        VERSION: read_plan({"programme": "livres", "season": "2026-2027", "lines": list(lines)})
    }


def line_of(name="lecture", categories=("books",), caps=None, per_category=None):
    return {
        "id": name,
        "categories": list(categories),
        "caps": caps or {},
        "per_category": per_category or {},
    }


def entitlement(line="lecture", balance_cents=2000, number=10, priority=0, **more):
    return EntitlementState(
        id=UUID(int=number),
        account_id=UUID(int=number + 1000),
        programme_version_id=VERSION,
        line=line,
        balance_cents=balance_cents,
        paying_envelope_id=ENVELOPE,
        priority=priority,
        valid_from=more.get("valid_from", datetime(2026, 8, 31, 22, tzinfo=UTC)),
        valid_until=more.get("valid_until", datetime(2027, 5, 31, 22, tzinfo=UTC)),
    )


def paid(basket, *entitlements, plans=None, usage=None, at=AT):
    plans = plans or plan_of(line_of())
    return split(plans, basket, entitlements, usage or {}, at, PARIS)


def test_a_line_that_one_entitlement_covers_is_paid_in_full():
    answer = paid([BasketLine("books", 1240)], entitlement())
    [line] = answer.lines
    assert (line.approved_cents, line.reasons) == (1240, ())
    [part] = line.parts
    assert part == (UUID(int=10), UUID(int=1010), ENVELOPE, VERSION, 1240)
    assert answer == ((line,), (), 1240, ())


def test_the_second_entitlement_pays_what_the_first_has_not():
    plans = plan_of(line_of("first"), line_of("second"))
    answer = paid(
        [BasketLine("books", 2500)],
        entitlement("second", 9000, number=1, priority=1),
        entitlement("first", 2000, number=2, priority=0),
        plans=plans,
    )
    assert [part.amount_cents for part in answer.lines[0].parts] == [2000, 500]
    assert answer.reasons == ()


def test_the_line_above_leaves_the_rest_to_the_line_below():
    answer = paid([BasketLine("books", 1500), BasketLine("books", 1500)], entitlement())
    assert [line.approved_cents for line in answer.lines] == [1500, 500]
    assert answer.reasons == ("entitlement_exhausted",)


@pytest.mark.parametrize(
    ("line", "held", "reason"),
    [
        (BasketLine("books", 100), [], "no_entitlement"),
        (BasketLine("cinema", 100), [entitlement()], "category_not_covered"),
        (BasketLine("books", 100), [entitlement(balance_cents=0)], "entitlement_exhausted"),
        (
            BasketLine("books", 100),
            [entitlement(valid_from=AT + timedelta(microseconds=1))],
            "entitlement_not_started",
        ),
        (BasketLine("books", 100), [entitlement(valid_until=AT)], "entitlement_expired"),
    ],
)
def test_a_line_that_nothing_pays_says_why(line, held, reason):
    answer = paid([line], *held)
    assert answer.approved_cents == 0
    assert answer.lines[0].reasons == (reason,)


def test_an_expired_entitlement_is_no_reason_beside_a_living_one():
    answer = paid(
        [BasketLine("books", 3000)],
        entitlement(number=1, valid_until=AT),
        entitlement(number=2),
    )
    assert answer.lines[0].reasons == ("entitlement_exhausted",)


def test_an_entitlement_lasts_from_its_first_instant_to_before_its_last():
    first = entitlement(valid_from=AT, valid_until=AT + timedelta(microseconds=1))
    assert paid([BasketLine("books", 100)], first).approved_cents == 100


def test_the_cap_of_a_purchase_is_for_all_of_its_lines():
    plans = plan_of(line_of(caps={"per_purchase": 1000}))
    answer = paid([BasketLine("books", 700), BasketLine("books", 700)], entitlement(), plans=plans)
    assert [line.approved_cents for line in answer.lines] == [700, 300]
    assert answer.reasons == ("cap_purchase_reached",)
    assert answer.cap_uses == ()


def test_the_cap_of_a_day_counts_what_was_used_and_says_what_to_count():
    plans = plan_of(line_of(caps={"per_day": 1000}))
    key = f"{BASE}/lecture/per_day"
    answer = paid([BasketLine("books", 700)], entitlement(), plans=plans, usage={(key, DAY): 600})
    assert answer.approved_cents == 400
    assert answer.reasons == ("cap_day_reached",)
    assert answer.cap_uses == (CapUse(key, DAY, 400, 1000),)


def test_yesterdays_use_does_not_count_today():
    plans = plan_of(line_of(caps={"per_day": 1000}))
    key = f"{BASE}/lecture/per_day"
    answer = paid(
        [BasketLine("books", 700)], entitlement(), plans=plans, usage={(key, "2026-11-23"): 1000}
    )
    assert answer.approved_cents == 700


def test_the_cap_of_a_unit_price_counts_each_article():
    plans = plan_of(line_of(caps={"unit_price": 750}))
    answer = paid([BasketLine("books", 1700, None, 2)], entitlement(), plans=plans)
    assert answer.approved_cents == 1500
    assert answer.reasons == ("cap_unit_price_reached",)


def test_the_caps_of_a_category_bind_that_category_only():
    plans = plan_of(
        line_of(
            categories=("books", "comics"),
            per_category={"comics": {"per_purchase": 500, "per_day": 800, "per_season": 900}},
        )
    )
    used = {(f"{BASE}/lecture/comics/per_season", "season"): 600}
    answer = paid(
        [BasketLine("comics", 700), BasketLine("books", 700)],
        entitlement(),
        plans=plans,
        usage=used,
    )
    assert [line.approved_cents for line in answer.lines] == [300, 700]
    assert answer.lines[0].reasons == ("cap_category_reached",)
    assert answer.cap_uses == (
        CapUse(f"{BASE}/lecture/comics/per_day", DAY, 300, 800),
        CapUse(f"{BASE}/lecture/comics/per_season", "season", 300, 900),
    )


def test_a_counter_already_past_a_lowered_limit_leaves_nothing():
    plans = plan_of(line_of(caps={"per_day": 1000}))
    key = f"{BASE}/lecture/per_day"
    answer = paid([BasketLine("books", 1)], entitlement(), plans=plans, usage={(key, DAY): 1500})
    assert answer.approved_cents == 0


@pytest.mark.parametrize(
    ("at", "day"),
    [
        # The night of 25 October 2026 has 3 o'clock twice: midnight is at 22:00, then at 23:00 UTC.
        (datetime(2026, 10, 24, 21, 59, tzinfo=UTC), "2026-10-24"),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), "2026-10-25"),
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), "2026-10-25"),
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), "2026-10-26"),
        # The night of 28 March 2027 has no 2 o'clock: midnight is at 23:00, then at 22:00 UTC.
        (datetime(2027, 3, 27, 22, 59, tzinfo=UTC), "2027-03-27"),
        (datetime(2027, 3, 27, 23, 0, tzinfo=UTC), "2027-03-28"),
        (datetime(2027, 3, 28, 21, 59, tzinfo=UTC), "2027-03-28"),
        (datetime(2027, 3, 28, 22, 0, tzinfo=UTC), "2027-03-29"),
    ],
)
def test_a_day_is_the_schemes_own_in_both_daylight_saving_nights(at, day):
    plans = plan_of(line_of(caps={"per_day": 1000}))
    answer = paid([BasketLine("books", 100)], entitlement(), plans=plans, at=at)
    assert answer.cap_uses == (CapUse(f"{BASE}/lecture/per_day", day, 100, 1000),)


# ---- properties: random programmes, purses, counters and baskets ----

CATEGORIES = ("books", "comics", "cinema")
CENTS = st.integers(0, 3000)
CAP = st.integers(1, 2000)


@st.composite
def situations(draw):
    lines = []
    for index in range(draw(st.integers(1, 3))):
        categories = draw(st.lists(st.sampled_from(CATEGORIES), min_size=1, unique=True))
        kinds = ("per_purchase", "per_day", "unit_price")
        caps = draw(st.dictionaries(st.sampled_from(kinds), CAP))
        own = draw(
            st.dictionaries(
                st.sampled_from(categories),
                st.dictionaries(
                    st.sampled_from(("per_purchase", "per_day", "per_season")), CAP, min_size=1
                ),
            )
        )
        lines.append(line_of(f"l{index}", categories, caps, own))
    held = []
    for index, line in enumerate(lines):
        if draw(st.booleans()):
            continue
        begins = draw(st.sampled_from([-2, -1, -1, -1, 1]))
        ends = begins + draw(st.sampled_from([1, 3, 3, 3]))
        held.append(
            entitlement(
                line["id"],
                draw(CENTS),
                number=draw(st.integers(1, 90)) * 10 + index,
                priority=draw(st.integers(0, 2)),
                valid_from=AT + timedelta(days=begins),
                valid_until=AT + timedelta(days=ends),
            )
        )
    keys = [
        (f"{BASE}/{line['id']}/{rest}", period)
        for line in lines
        for rest, period in [
            ("per_day", DAY),
            *((f"{each}/per_day", DAY) for each in CATEGORIES),
            *((f"{each}/per_season", "season") for each in CATEGORIES),
        ]
    ]
    usage = draw(st.dictionaries(st.sampled_from(keys), st.integers(0, 2500)))
    basket = draw(
        st.lists(
            st.builds(
                BasketLine,
                st.sampled_from(CATEGORIES),
                st.integers(1, 3000),
                st.none(),
                st.integers(1, 3),
            ),
            min_size=1,
            max_size=4,
        )
    )
    return lines, held, usage, basket


def limits_of(lines, usage):
    """Yield each cap by plain reading: its line, its category or None, what is left before."""
    for line in lines:
        key = f"{BASE}/{line['id']}"
        for name, limit in line["caps"].items():
            if name == "per_purchase":
                yield line["id"], None, limit, None
            if name == "per_day":
                yield line["id"], None, limit, (f"{key}/per_day", DAY)
        for category, caps in line["per_category"].items():
            for name, limit in caps.items():
                period = {"per_purchase": None, "per_day": DAY, "per_season": "season"}[name]
                counter = period and (f"{key}/{category}/{name}", period)
                yield line["id"], category, limit, counter


@settings(deadline=None)
@given(situations())
def test_no_more_is_paid_than_asked_than_balances_than_caps(situation):
    lines, held, usage, basket = situation
    answer = paid(basket, *held, plans=plan_of(*lines), usage=usage)
    by_entitlement, by_line, by_category = Counter(), Counter(), Counter()
    names = {each.id: each for each in held}
    written = {line["id"]: line for line in lines}
    for asked, line in zip(basket, answer.lines, strict=True):
        assert line.approved_cents == sum(part.amount_cents for part in line.parts)
        assert 0 <= line.approved_cents <= asked.amount_cents
        assert bool(line.reasons) == (line.approved_cents < asked.amount_cents)
        for part in line.parts:
            assert part.amount_cents > 0
            owner = names[part.entitlement_id]
            assert owner.valid_from <= AT < owner.valid_until
            rule = written[owner.line]
            assert asked.category in rule["categories"]
            unit = rule["caps"].get("unit_price")
            assert unit is None or part.amount_cents <= unit * asked.quantity
            by_entitlement[owner.id] += part.amount_cents
            by_line[owner.line] += part.amount_cents
            by_category[owner.line, asked.category] += part.amount_cents
    for each in held:
        assert by_entitlement[each.id] <= each.balance_cents
    counted = {(use.cap_key, use.period): use for use in answer.cap_uses}
    for line_id, category, limit, counter in limits_of(lines, usage):
        taken = by_category[line_id, category] if category else by_line[line_id]
        assert taken <= max(limit - (usage.get(counter, 0) if counter else 0), 0)
        if counter:
            use = counted.pop(counter, None)
            assert (use.amount_cents if use else 0) == taken
            assert use is None or use.limit_cents == limit
    assert counted == {}
    assert answer.approved_cents == sum(by_entitlement.values())


@settings(deadline=None)
@given(situations())
def test_the_same_question_gets_the_same_answer_in_any_order_of_reading(situation):
    lines, held, usage, basket = situation
    plans = plan_of(*lines)
    assert paid(basket, *held, plans=plans, usage=usage) == paid(
        basket, *reversed(held), plans=plan_of(*reversed(lines)), usage=dict(usage)
    )


@settings(deadline=None)
@given(situations())
def test_an_entitlement_pays_only_where_those_before_it_could_not_pay_more(situation):
    """Each part is the most that its entitlement could give there, unless the line is paid off."""
    lines, held, usage, basket = situation
    answer = paid(basket, *held, plans=plan_of(*lines), usage=usage)
    written = {line["id"]: line for line in lines}
    left = {each.id: each.balance_cents for each in held}
    rooms = {
        (line_id, category, counter, limit): limit - (usage.get(counter, 0) if counter else 0)
        for line_id, category, limit, counter in limits_of(lines, usage)
    }
    for asked, line in zip(basket, answer.lines, strict=True):
        parts = {part.entitlement_id: part.amount_cents for part in line.parts}
        need = asked.amount_cents
        for each in sorted(held, key=lambda held: (held.priority, held.id)):
            rule = written[each.line]
            if asked.category not in rule["categories"]:
                continue
            if not each.valid_from <= AT < each.valid_until:
                continue
            met = [key for key in rooms if key[0] == each.line and key[1] in (None, asked.category)]
            unit = rule["caps"].get("unit_price")
            most = min(
                [need, left[each.id], *(max(rooms[key], 0) for key in met)]
                + ([unit * asked.quantity] if unit is not None else [])
            )
            assert parts.get(each.id, 0) == most
            need -= most
            left[each.id] -= most
            for key in met:
                rooms[key] -= most
        assert line.approved_cents == asked.amount_cents - need
