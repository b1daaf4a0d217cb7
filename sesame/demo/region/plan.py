"""A month of shopping in the invented region, decided in advance.

A plan is plain data: who buys what, where, at what moment, and what the answer should be. Whoever
replays it (through HTTP, as shops do) can compare each answer with the expectation. The model of
balances kept here is the plainest one, three purses for a student and nothing else; it shares no
code with the product.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from .catalogue import CINEMA, PRINTED, SEAT_CENTS, UNPAID, Article
from .generate import Region
from .opening_days import opening_days
from .purses import PURSES, Purse
from .shops import Shop
from .students import Student

ZONE = ZoneInfo("Europe/Paris")
_WEDNESDAY, _SATURDAY = 2, 5
_OVER_BUDGET_SHARE = 0.06
_MOST_LINES = 6


class Answer(StrEnum):
    """What a shop should be told, in the words of the API's `outcome`."""

    APPROVED = "approved"
    PARTIAL = "partial"
    REFUSED = "refused"


@dataclass(frozen=True)
class Line:
    """A line of a basket: `quantity` articles of one price."""

    article: Article
    quantity: int

    @property
    def cents(self) -> int:
        """The line's amount in cents."""
        return self.article.unit_cents * self.quantity


@dataclass(frozen=True)
class PlannedPurchase:
    """One purchase to come. `key` tells it from all others of the plan, and is stable."""

    key: str
    at: datetime
    """When it happens: UTC, on an opening day, in the shop's hours."""
    school_uai: str
    ine: str
    siret: str
    lines: tuple[Line, ...]
    accepts_partial: bool
    """Whether the shop's terminal says that it takes a partial approval."""
    expected: Answer
    expected_cents: int
    """What the card should pay; 0 where refused."""

    @property
    def total_cents(self) -> int:
        """The basket's amount in cents."""
        return sum(line.cents for line in self.lines)


class _Month:
    """The state of the making of a plan: what is left in each purse so far."""

    def __init__(self, region: Region, rng: random.Random, shoppers: int) -> None:
        on_roll = [student for student in region.students if student.on_roll]
        self.rng = rng
        self.shoppers = rng.sample(on_roll, min(shoppers, len(on_roll)))
        self.left = {
            (student.ine, purse.programme): purse.cents
            for student in self.shoppers
            for purse in PURSES
            if purse.is_for(student)
        }
        self.departments = {school.uai: school.department for school in region.schools}
        self.shops: dict[tuple[str, str], list[Shop]] = {}
        for shop in region.shops:
            for category in shop.categories.split(","):
                for where in (shop.insee[:2], ""):
                    self.shops.setdefault((category, where), []).append(shop)

    def shop_for(self, category: str, student: Student) -> Shop:
        """Choose a shop of the département of the student's school, or any where it has none."""
        near = self.shops.get((category, self.departments[student.school_uai]))
        return self.rng.choice(near or self.shops[category, ""])

    def holder(self, purse: Purse, wanted: Callable[[int], bool]) -> Student | None:
        """Choose a shopper who has this purse with such a rest; None if a few tries find none."""
        for _ in range(200):
            student = self.rng.choice(self.shoppers)
            if wanted(self.left.get((student.ine, purse.programme), -1)):
                return student
        return None


def make_plan(
    region: Region,
    first_day: date,
    *,
    days: int = 30,
    per_day: int = 100,
    shoppers: int = 600,
) -> tuple[PlannedPurchase, ...]:
    """Return the purchases of `days` days from `first_day` on, in order of time.

    `per_day` is about how many there are on an opening day (more on Wednesdays and Saturdays);
    `shoppers` is how many different students buy. About six in a hundred go over what is left in
    the purse; three in the whole plan are for things that the card does not pay. The plan is a
    function of its arguments and of the region's seed.
    """
    rng = random.Random(f"{region.seed}:plan:{first_day}:{days}:{per_day}:{shoppers}")
    month = _Month(region, rng, shoppers)
    open_days = list(opening_days(first_day, days))
    stray_days = rng.sample(open_days, min(len(UNPAID), len(open_days)))
    strays = dict(zip(stray_days, UNPAID, strict=False))
    plan: list[PlannedPurchase] = []
    for day in open_days:
        busy = 1.25 if day.weekday() in (_WEDNESDAY, _SATURDAY) else 0.9
        moments = _moments(day, round(per_day * busy * rng.uniform(0.92, 1.08)), rng)
        stray_at = rng.randrange(len(moments)) if moments and day in strays else None
        for index, at in enumerate(moments):
            key = f"{day:%Y%m%d}-{index:04d}"
            if index == stray_at:
                plan.append(_stray_purchase(month, key, at, *strays[day]))
                continue
            purchase = _purchase(month, key, at)
            if purchase is not None:
                plan.append(purchase)
    return tuple(plan)


def _moments(day: date, count: int, rng: random.Random) -> list[datetime]:
    """Return `count` different seconds between 9:30 and 19:30 in the shops' zone, in order."""
    opening = datetime.combine(day, time(9, 30), tzinfo=ZONE).astimezone(UTC)
    seconds = sorted(rng.sample(range(10 * 3600), min(count, 10 * 3600)))
    return [opening + timedelta(seconds=second) for second in seconds]


def _purchase(month: _Month, key: str, at: datetime) -> PlannedPurchase | None:
    rng = month.rng
    purse = rng.choices(PURSES, weights=(3, 4, 3))[0]
    over = rng.random() < _OVER_BUDGET_SHARE
    student = (
        month.holder(purse, lambda left: 0 <= left < purse.cents)
        if over
        else month.holder(purse, lambda left: left >= _cheapest_cents(purse))
    )
    if student is None or student.ine is None:
        return None
    left = month.left[student.ine, purse.programme]
    category = rng.choice(sorted(purse.categories))
    shop = month.shop_for(category, student)
    offer = _offer(shop, purse, student)
    lines = _basket_over(rng, offer, left) if over else _basket_within(rng, offer, left)
    if not lines:
        return None
    total = sum(line.cents for line in lines)
    accepts_partial = rng.random() < 0.6
    if total <= left:
        expected, paid = Answer.APPROVED, total
    elif accepts_partial and left > 0:
        expected, paid = Answer.PARTIAL, left
    else:
        expected, paid = Answer.REFUSED, 0
    month.left[student.ine, purse.programme] -= paid
    return PlannedPurchase(
        key=key,
        at=at,
        school_uai=student.school_uai,
        ine=student.ine,
        siret=shop.siret,
        lines=lines,
        accepts_partial=accepts_partial,
        expected=expected,
        expected_cents=paid,
    )


def _stray_purchase(
    month: _Month, key: str, at: datetime, article: Article, shop_sells: str
) -> PlannedPurchase:
    """Return a purchase of something that no programme pays for."""
    student = month.rng.choice(month.shoppers)
    return PlannedPurchase(
        key=key,
        at=at,
        school_uai=student.school_uai,
        ine=student.ine or "",
        siret=month.shop_for(shop_sells, student).siret,
        lines=(Line(article, 1),),
        accepts_partial=True,
        expected=Answer.REFUSED,
        expected_cents=0,
    )


def _cheapest_cents(purse: Purse) -> int:
    if CINEMA in purse.categories:
        return min(SEAT_CENTS)
    return min(article.unit_cents for article in PRINTED if article.category in purse.categories)


def _offer(shop: Shop, purse: Purse, student: Student) -> list[Article]:
    """Return what this shop sells that this purse pays for; textbooks of the student's grade."""
    if CINEMA in purse.categories:
        price = SEAT_CENTS[int(shop.siret[4:8]) % len(SEAT_CENTS)]
        return [Article(CINEMA, "Place de cinéma, tarif jeune", price, None)]
    return [
        article
        for article in PRINTED
        if article.category in purse.categories
        and shop.sells(article.category)
        and article.grade in (None, student.grade)
    ]


def _basket_within(rng: random.Random, offer: list[Article], left_cents: int) -> tuple[Line, ...]:
    """Choose one to three articles that the purse can pay in full; none if all are too dear."""
    lines: list[Line] = []
    for _ in range(rng.choices((1, 2, 3), weights=(70, 24, 6))[0]):
        spent = sum(line.cents for line in lines)
        chosen = {line.article for line in lines}
        within = [a for a in offer if a not in chosen and a.unit_cents <= left_cents - spent]
        if not within:
            break
        article = rng.choice(within)
        pair = article.ean13 is None and 2 * article.unit_cents <= left_cents - spent
        lines.append(Line(article, 2 if pair and rng.random() < 0.2 else 1))
    return tuple(lines)


def _basket_over(rng: random.Random, offer: list[Article], left_cents: int) -> tuple[Line, ...]:
    """Choose articles until they cost more than what is left; none if too many were needed."""
    if offer and offer[0].ean13 is None:
        quantity = left_cents // offer[0].unit_cents + 1
        return (Line(offer[0], quantity),) if quantity <= _MOST_LINES else ()
    lines: list[Line] = []
    for article in rng.sample(offer, min(len(offer), _MOST_LINES)):
        lines.append(Line(article, 1))
        if sum(line.cents for line in lines) > left_cents:
            return tuple(lines)
    return ()
