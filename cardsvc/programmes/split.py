"""Splitting a basket over a beneficiary's entitlements. Pure: no database, no clock, no Flask.

For each line of the basket, in its order, the entitlements that cover its category pay by priority,
each as much as its balance and its caps allow. Same input, same answer, on any machine: the decision
keeps this answer, and nothing computes it again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from cardsvc.programmes.reasons import (
    CAP_CATEGORY_REACHED,
    CAP_DAY_REACHED,
    CAP_PURCHASE_REACHED,
    CAP_UNIT_PRICE_REACHED,
    CATEGORY_NOT_COVERED,
    ENTITLEMENT_EXHAUSTED,
    ENTITLEMENT_EXPIRED,
    ENTITLEMENT_NOT_STARTED,
    NO_ENTITLEMENT,
)
from cardsvc.programmes.spending_plan import CategoryCaps, PlanLine, SpendingPlan

SEASON_PERIOD = "season"

_NOT_COVERED = CATEGORY_NOT_COVERED.code
_NONE = NO_ENTITLEMENT.code
_EXHAUSTED = ENTITLEMENT_EXHAUSTED.code
_NOT_STARTED = ENTITLEMENT_NOT_STARTED.code
_EXPIRED = ENTITLEMENT_EXPIRED.code
_CAP_PURCHASE = CAP_PURCHASE_REACHED.code
_CAP_DAY = CAP_DAY_REACHED.code
_CAP_UNIT = CAP_UNIT_PRICE_REACHED.code
_CAP_CATEGORY = CAP_CATEGORY_REACHED.code


class BasketLine(NamedTuple):
    """One line of a basket: amount_cents > 0 for all of its `quantity` >= 1 articles."""

    category: str
    amount_cents: int
    ean: str | None = None
    quantity: int = 1


class EntitlementState(NamedTuple):
    """One entitlement as it stands. Spendable within [valid_from, valid_until), aware UTC."""

    id: UUID
    account_id: UUID
    programme_version_id: UUID
    line: str
    balance_cents: int
    paying_envelope_id: UUID
    priority: int
    valid_from: datetime
    valid_until: datetime


class Part(NamedTuple):
    """What one entitlement pays of one line."""

    entitlement_id: UUID
    account_id: UUID
    paying_envelope_id: UUID
    programme_version_id: UUID
    amount_cents: int


class SplitLine(NamedTuple):
    """What the card pays of one line; reasons: codes, empty when it pays all of it."""

    category: str
    amount_cents: int
    approved_cents: int
    reasons: tuple[str, ...]
    parts: tuple[Part, ...]


class CapUse(NamedTuple):
    """How much of a cap this purchase takes, and the limit that its counter may not pass."""

    cap_key: str
    period: str
    amount_cents: int
    limit_cents: int


class Split(NamedTuple):
    """The whole answer; reasons: those of the lines, each once, in order."""

    lines: tuple[SplitLine, ...]
    cap_uses: tuple[CapUse, ...]
    approved_cents: int
    reasons: tuple[str, ...]


class _Counter:
    """A cap as this purchase goes on: what its period had left before, what is left now."""

    __slots__ = ("cap_key", "left", "limit", "period", "reason", "start")

    def __init__(self, cap_key: str, period: str, limit: int, used: int, reason: str) -> None:
        self.cap_key = cap_key
        self.period = period
        self.limit = limit
        self.reason = reason
        self.start = self.left = limit - used if used < limit else 0


class _Purse:
    """An entitlement as this purchase goes on: its balance, and the caps that every line meets."""

    __slots__ = ("by_category", "caps", "entitlement", "late", "left", "plan")

    def __init__(
        self,
        entitlement: EntitlementState,
        plan: PlanLine,
        usage: Mapping[tuple[str, str], int],
        at: datetime,
        day: str,
    ) -> None:
        self.entitlement = entitlement
        self.plan = plan
        self.left = entitlement.balance_cents
        self.late: str | None = None
        if at < entitlement.valid_from:
            self.late = _NOT_STARTED
        elif at >= entitlement.valid_until:
            self.late = _EXPIRED
        caps: list[_Counter] = []
        if plan.per_purchase_cents is not None:
            caps.append(_Counter("", "", plan.per_purchase_cents, 0, _CAP_PURCHASE))
        if plan.per_day_cents is not None:
            key = plan.day_key
            used = usage.get((key, day), 0)
            caps.append(_Counter(key, day, plan.per_day_cents, used, _CAP_DAY))
        self.caps = caps
        self.by_category: dict[str, list[_Counter]] | None = None

    def caps_for(
        self, category: str, usage: Mapping[tuple[str, str], int], day: str
    ) -> list[_Counter]:
        """Return all the caps that a line of this category meets."""
        rule = self.plan.categories[category]
        if rule is None:
            return self.caps
        if self.by_category is None:
            self.by_category = {}
        counters = self.by_category.get(category)
        if counters is None:
            counters = self.by_category[category] = _category_counters(rule, usage, day)
        return self.caps + counters


def split(
    plans: Mapping[UUID, SpendingPlan],
    basket: Sequence[BasketLine],
    entitlements: Sequence[EntitlementState],
    usage: Mapping[tuple[str, str], int],
    at: datetime,
    zone: ZoneInfo,
) -> Split:
    """Return what the card pays of each line of `basket`, by which entitlements, and why not more.

    plans: a spending plan for each `programme_version_id` of `entitlements` (KeyError without).
    usage: cents used of each (cap_key, period). at: when the purchase counts (aware); the daily caps
    follow the calendar day of `zone`. Balances and usage may be stale: the ledger and
    `cardsvc.count_uses` have the last word.
    """
    day = at.astimezone(zone).date().isoformat()
    purses = [
        _Purse(each, plans[each.programme_version_id].lines[each.line], usage, at, day)
        for each in sorted(entitlements, key=_order)
    ]
    lines = tuple([_pay_line(line, purses, usage, day) for line in basket])
    approved = 0
    reasons: tuple[str, ...] = ()
    for line in lines:
        approved += line.approved_cents
        if line.reasons:
            reasons += line.reasons
    if reasons:
        reasons = tuple(dict.fromkeys(reasons))
    return Split(lines, _cap_uses(purses), approved, reasons)


def _order(entitlement: EntitlementState) -> tuple[int, int]:
    return entitlement.priority, entitlement.id.int


def _pay_line(
    line: BasketLine, purses: list[_Purse], usage: Mapping[tuple[str, str], int], day: str
) -> SplitLine:
    category, asked, _ean, quantity = line
    need = asked
    parts: list[Part] = []
    why: list[str] = []
    late: list[str] = []
    for purse in purses:
        if category not in purse.plan.categories:
            continue
        if purse.late is not None:
            late.append(purse.late)
            continue
        take, reason, caps = _most(purse, category, need, quantity, usage, day)
        if reason is not None:
            why.append(reason)
        if take > 0:
            purse.left -= take
            for cap in caps:
                cap.left -= take
            held = purse.entitlement
            parts.append(
                Part(
                    held.id,
                    held.account_id,
                    held.paying_envelope_id,
                    held.programme_version_id,
                    take,
                )
            )
            need -= take
            if need == 0:
                return SplitLine(category, asked, asked, (), tuple(parts))
    reasons = why or late or [_NOT_COVERED if purses else _NONE]
    return SplitLine(category, asked, asked - need, tuple(dict.fromkeys(reasons)), tuple(parts))


def _most(
    purse: _Purse,
    category: str,
    need: int,
    quantity: int,
    usage: Mapping[tuple[str, str], int],
    day: str,
) -> tuple[int, str | None, list[_Counter]]:
    """Return the most that `purse` pays of `need`, the tightest reason if less, the caps it met."""
    take = need
    reason = None
    if purse.left < take:
        take = purse.left
        reason = _EXHAUSTED
    unit = purse.plan.unit_price_cents
    if unit is not None and unit * quantity < take:
        take = unit * quantity
        reason = _CAP_UNIT
    caps = purse.caps_for(category, usage, day)
    for cap in caps:
        if cap.left < take:
            take = cap.left
            reason = cap.reason
    return take, reason, caps


def _category_counters(
    rule: CategoryCaps, usage: Mapping[tuple[str, str], int], day: str
) -> list[_Counter]:
    counters = []
    if rule.per_purchase_cents is not None:
        counters.append(_Counter("", "", rule.per_purchase_cents, 0, _CAP_CATEGORY))
    if rule.per_day_cents is not None:
        used = usage.get((rule.day_key, day), 0)
        counters.append(_Counter(rule.day_key, day, rule.per_day_cents, used, _CAP_CATEGORY))
    if rule.per_season_cents is not None:
        used = usage.get((rule.season_key, SEASON_PERIOD), 0)
        counters.append(
            _Counter(rule.season_key, SEASON_PERIOD, rule.per_season_cents, used, _CAP_CATEGORY)
        )
    return counters


def _cap_uses(purses: list[_Purse]) -> tuple[CapUse, ...]:
    uses = []
    for purse in purses:
        counters = purse.caps
        if purse.by_category is not None:
            counters = counters + [each for caps in purse.by_category.values() for each in caps]
        for cap in counters:
            if cap.cap_key and cap.left < cap.start:
                uses.append(CapUse(cap.cap_key, cap.period, cap.start - cap.left, cap.limit))
    return tuple(uses)
