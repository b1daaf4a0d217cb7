"""A spending plan: what a purchase needs of a programme's rules, immutable. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cardsvc.programmes.rules import Caps, Programme


@dataclass(frozen=True, slots=True)
class CategoryCaps:
    """The caps of one category within a line, in cents; None where there is none."""

    per_purchase_cents: int | None
    per_day_cents: int | None
    per_season_cents: int | None
    day_key: str
    season_key: str


@dataclass(frozen=True, slots=True)
class PlanLine:
    """How one line is spent. categories: those it buys, with their own caps or None.

    A cap's key is stable from version to version: amending a programme doesn't reset its counters.
    """

    id: str
    categories: Mapping[str, CategoryCaps | None]
    per_purchase_cents: int | None
    per_day_cents: int | None
    unit_price_cents: int | None
    day_key: str


@dataclass(frozen=True, slots=True)
class SpendingPlan:
    """A version's lines by their ids."""

    programme: str
    season: str
    lines: Mapping[str, PlanLine]


def compile_plan(programme: Programme) -> dict[str, Any]:
    """Return the plan of a programme as the JSON that its version keeps."""
    return {
        "programme": programme.slug,
        "season": programme.season.name,
        "lines": [
            {
                "id": line.id,
                "categories": list(line.categories),
                "caps": _caps(line.caps),
                "per_category": {
                    category: _caps(caps) for category, caps in line.category_caps.items()
                },
            }
            for line in programme.lines
        ],
    }


def read_plan(stored: Mapping[str, Any]) -> SpendingPlan:
    """Return the plan that a version keeps as JSON."""
    base = f"{stored['programme']}/{stored['season']}"
    lines = {each["id"]: _read_line(each, f"{base}/{each['id']}") for each in stored["lines"]}
    return SpendingPlan(stored["programme"], stored["season"], MappingProxyType(lines))


def _caps(caps: Caps) -> dict[str, int]:
    figures = {
        "per_purchase": caps.per_purchase_cents,
        "per_day": caps.per_day_cents,
        "unit_price": caps.unit_price_cents,
        "per_season": caps.per_season_cents,
    }
    return {name: cents for name, cents in figures.items() if cents is not None}


def _read_line(stored: Mapping[str, Any], key: str) -> PlanLine:
    caps = stored["caps"]
    own = stored["per_category"]
    categories = {
        category: _read_category(own[category], f"{key}/{category}") if category in own else None
        for category in stored["categories"]
    }
    return PlanLine(
        id=stored["id"],
        categories=MappingProxyType(categories),
        per_purchase_cents=caps.get("per_purchase"),
        per_day_cents=caps.get("per_day"),
        unit_price_cents=caps.get("unit_price"),
        day_key=f"{key}/per_day",
    )


def _read_category(caps: Mapping[str, int], key: str) -> CategoryCaps:
    return CategoryCaps(
        per_purchase_cents=caps.get("per_purchase"),
        per_day_cents=caps.get("per_day"),
        per_season_cents=caps.get("per_season"),
        day_key=f"{key}/per_day",
        season_key=f"{key}/per_season",
    )
