"""A month of shopping, replayed against a purse book that is kept here on its own."""

import itertools
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from stdnum import ean, isbn

from sesame.demo.region.generate import Region, generate
from sesame.demo.region.plan import PlannedPurchase, make_plan

FIRST_DAY = date(2026, 10, 26)
PARIS = ZoneInfo("Europe/Paris")
PURSE_OF = {"textbooks": "textbooks", "books": "leisure", "comics": "leisure", "cinema": "cinema"}
UNPAID = {"sports", "live_shows", "catering"}
PURSE_CENTS = {"textbooks": 7000, "leisure": 2000, "cinema": 2500}


@pytest.fixture(scope="module")
def plan(region: Region) -> tuple[PlannedPurchase, ...]:
    return make_plan(region, FIRST_DAY)


def test_about_a_hundred_purchases_happen_on_each_opening_day(
    plan: tuple[PlannedPurchase, ...],
) -> None:
    days = Counter(purchase.at.astimezone(PARIS).date() for purchase in plan)
    assert len(days) == 25
    assert all(70 <= count <= 150 for count in days.values())
    assert 90 <= len(plan) / len(days) <= 110
    assert all(day.weekday() < 6 and day != date(2026, 11, 11) for day in days)


def test_shops_are_open_when_somebody_buys(plan: tuple[PlannedPurchase, ...]) -> None:
    for purchase in plan:
        assert purchase.at.utcoffset() is not None
        assert purchase.at.utcoffset().total_seconds() == 0  # type: ignore[union-attr]
        local = purchase.at.astimezone(PARIS)
        assert (9, 30) <= (local.hour, local.minute) < (19, 30)
    assert [p.at for p in plan] == sorted(p.at for p in plan)
    assert len({p.key for p in plan}) == len(plan)


def test_every_answer_follows_from_what_is_left_in_the_purse(
    region: Region, plan: tuple[PlannedPurchase, ...]
) -> None:
    students = {s.ine: s for s in region.students}
    left: dict[tuple[str, str], int] = {}
    for purchase in plan:
        student = students[purchase.ine]
        purse = PURSE_OF.get(purchase.lines[0].article.category)
        if purse is None:
            assert (purchase.expected, purchase.expected_cents) == ("refused", 0)
            continue
        assert {PURSE_OF[line.article.category] for line in purchase.lines} == {purse}
        gets = purse != "textbooks" or (
            student.grade in ("premiere", "terminale") and not student.apprentice
        )
        start = PURSE_CENTS[purse] if gets else 0
        rest = left.get((purchase.ine, purse), start)
        total = sum(line.article.unit_cents * line.quantity for line in purchase.lines)
        assert purchase.total_cents == total
        if total <= rest:
            answer = ("approved", total)
        elif rest and purchase.accepts_partial:
            answer = ("partial", rest)
        else:
            answer = ("refused", 0)
        assert (purchase.expected, purchase.expected_cents) == answer
        left[purchase.ine, purse] = rest - answer[1]
    assert min(left.values()) >= 0


def test_a_few_in_a_hundred_are_refused_or_partly_approved(
    plan: tuple[PlannedPurchase, ...],
) -> None:
    answers = Counter(purchase.expected.value for purchase in plan)
    assert 0.04 < (answers["refused"] + answers["partial"]) / len(plan) < 0.09
    assert min(answers["refused"], answers["partial"]) > 20


def test_three_purchases_are_for_something_that_nobody_pays(
    plan: tuple[PlannedPurchase, ...],
) -> None:
    strays = [p for p in plan if p.lines[0].article.category in UNPAID]
    assert len(strays) == 3
    assert {p.lines[0].article.category for p in strays} == UNPAID
    assert {p.expected.value for p in strays} == {"refused"}


def test_buyers_are_on_the_roll_of_their_school_and_shops_sell_what_is_bought(
    region: Region, plan: tuple[PlannedPurchase, ...]
) -> None:
    students = {s.ine: s for s in region.students if s.ine and s.left_on is None}
    shops = {shop.siret: shop.categories.split(",") for shop in region.shops}
    for purchase in plan:
        assert students[purchase.ine].school_uai == purchase.school_uai
        categories = {line.article.category for line in purchase.lines}
        # The one thing that a shop tries to sell against its convention is a cinema's popcorn.
        assert categories <= {*shops[purchase.siret], "catering"}
    assert 500 < len({purchase.ine for purchase in plan}) <= 600
    assert len({purchase.siret for purchase in plan}) > 30


def test_books_have_one_price_and_a_bar_code_that_no_publisher_owns(
    plan: tuple[PlannedPurchase, ...],
) -> None:
    prices: defaultdict[str, set[int]] = defaultdict(set)
    for line in itertools.chain.from_iterable(purchase.lines for purchase in plan):
        if line.article.category in ("textbooks", "books", "comics"):
            assert line.article.ean13 is not None
            prices[line.article.ean13].add(line.article.unit_cents)
        else:
            assert line.article.ean13 is None
        assert line.quantity >= 1
        assert 100 <= line.article.unit_cents < 10_000
    assert all(len(of_book) == 1 for of_book in prices.values())
    for code in prices:
        assert ean.is_valid(code)
        # stdnum knows the ranges of the agency's table: an allotted one has a registrant part.
        assert isbn.split(code)[2] == ""


def test_textbooks_are_those_of_the_buyers_grade(
    region: Region, plan: tuple[PlannedPurchase, ...]
) -> None:
    students = {s.ine: s for s in region.students}
    suffix = {"premiere": " 1re", "terminale": " Tle"}
    textbooks = [
        (purchase, line)
        for purchase in plan
        for line in purchase.lines
        if line.article.category == "textbooks"
    ]
    assert textbooks
    for purchase, line in textbooks:
        assert line.article.label.endswith(suffix[students[purchase.ine].grade])


def test_the_same_arguments_give_the_same_plan_and_others_another(
    region: Region, plan: tuple[PlannedPurchase, ...], tmp_path: Path
) -> None:
    assert make_plan(region, FIRST_DAY) == plan
    assert make_plan(region, date(2026, 10, 27)) != plan
    assert make_plan(generate(tmp_path, seed=7), FIRST_DAY) != plan


def test_fewer_shoppers_and_days_give_a_smaller_plan(region: Region) -> None:
    small = make_plan(region, FIRST_DAY, days=7, per_day=10, shoppers=25)
    assert len({purchase.ine for purchase in small}) <= 25
    assert 40 <= len(small) <= 80


def test_a_plan_of_no_days_is_empty(region: Region) -> None:
    assert make_plan(region, FIRST_DAY, days=0) == ()


def test_the_plan_also_holds_on_official_files(official_region: Region) -> None:
    plan = make_plan(official_region, FIRST_DAY)
    cinemas = {shop.siret for shop in official_region.shops if shop.categories == "cinema"}
    assert len(plan) > 2000
    assert len({purchase.siret for purchase in plan} & cinemas) > 150
