"""From a checked document (dicts, lists and texts) to a programme's rules."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from cardsvc.programmes.eligibility import AgeBetween, AllOf, AnyOf, Condition, FactIs, NoneOf
from cardsvc.programmes.rules import BenefitLine, Caps, FunderShare, Programme, Season
from cardsvc.programmes.values import cents_of, weight_or_none

DEFAULT_PRIORITY = 1000


def compile_document(document: Mapping[str, Any], source: str) -> Programme:
    """Return the rules of a document that `check` has found right (or that a version keeps)."""
    return Programme(
        slug=document["programme"],
        names=document["name"],
        season=_season(document["season"]),
        priority=int(document.get("priority", DEFAULT_PRIORITY)),
        eligibility=_condition(document["eligibility"]),
        lines=tuple(_line(each) for each in document["lines"]),
        funders=tuple(
            FunderShare(each["funder"], weight_or_none(each["share"]) or 0)
            for each in document["funders"]
        ),
        paying_body=document["paying_body"],
        regime=document["regime"],
        document=document,
        source=source,
    )


def _season(season: Mapping[str, str]) -> Season:
    last = date.fromisoformat(season["until"])
    return Season(
        name=season["name"],
        first=date.fromisoformat(season["from"]),
        last=last,
        grace=date.fromisoformat(season["grace_until"]) if "grace_until" in season else last,
    )


def _line(line: Mapping[str, Any]) -> BenefitLine:
    caps = line.get("caps", {})
    return BenefitLine(
        id=line["id"],
        names=line["name"],
        amount_cents=cents_of(line["amount"]),
        categories=tuple(dict.fromkeys(line["categories"])),
        eligibility=_condition(line["eligibility"]) if "eligibility" in line else None,
        caps=_caps(caps),
        category_caps={name: _caps(each) for name, each in caps.get("per_category", {}).items()},
    )


def _caps(caps: Mapping[str, Any]) -> Caps:
    def cents(name: str) -> int | None:
        return cents_of(caps[name]) if name in caps else None

    return Caps(
        per_purchase_cents=cents("per_purchase"),
        per_day_cents=cents("per_day"),
        unit_price_cents=cents("unit_price"),
        per_season_cents=cents("per_season"),
    )


def _condition(written: Mapping[str, Any]) -> Condition:
    [(name, value)] = written.items()
    match name:
        case "all":
            return AllOf(tuple(_condition(each) for each in value))
        case "any":
            return AnyOf(tuple(_condition(each) for each in value))
        case "not":
            return NoneOf(_condition(value))
        case "age":
            return AgeBetween(
                day=date.fromisoformat(value["at"]),
                at_least=int(value["min"]) if "min" in value else None,
                at_most=int(value["max"]) if "max" in value else None,
            )
        case "fact":
            return FactIs(
                name=value["name"],
                values=_words(value["is"]) if "is" in value else None,
                labels=value.get("label"),
            )
        case _:
            return FactIs(name=name, values=_words(value), by_prefix=name == "mef")


def _words(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
