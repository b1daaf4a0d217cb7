"""Conditions on facts, and their answer for one person. Pure.

A fact has a name and any number of values, all texts. The same conditions compile to SQL for the
whole population (`population.py`); a property test holds the two against each other.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

Facts = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class AllOf:
    """True when every part is."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when at least one part is."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """True when its part isn't."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class FactIs:
    """True when the fact has one of `values` (by prefix: begins with one; None: is known at all).

    labels: how a person is told of it, by language; only for facts that have no words of their own.
    """

    name: str
    values: tuple[str, ...] | None
    by_prefix: bool = False
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class AgeBetween:
    """True when the whole years of age on `day` are within both bounds, those included.

    One bound may be None. Born on 29 February: a year older on 1 March of a common year.
    """

    day: date
    at_least: int | None
    at_most: int | None


Condition = AllOf | AnyOf | NoneOf | FactIs | AgeBetween


def holds(condition: Condition, facts: Facts) -> bool:
    """Return whether `condition` holds for someone with these facts."""
    match condition:
        case AllOf(parts):
            return all(holds(each, facts) for each in parts)
        case AnyOf(parts):
            return any(holds(each, facts) for each in parts)
        case NoneOf(part):
            return not holds(part, facts)
        case FactIs():
            return _fact_is(condition, facts)
        case AgeBetween():
            age = age_on(condition.day, facts)
            return age is not None and _within(age, condition)


def age_on(day: date, facts: Facts) -> int | None:
    """Return the whole years of age on `day`, or None without a birth date (negative before it)."""
    born = next(iter(facts.get("birth_date", ())), None)
    if born is None:
        return None
    birth = date.fromisoformat(born)
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def facts_needed(condition: Condition) -> frozenset[str]:
    """Return the names of the facts that `condition` looks at."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            return frozenset[str]().union(*(facts_needed(each) for each in parts))
        case NoneOf(part):
            return facts_needed(part)
        case FactIs(name=name):
            return frozenset({name})
        case AgeBetween():
            return frozenset({"birth_date"})


def _fact_is(condition: FactIs, facts: Facts) -> bool:
    known = facts.get(condition.name, ())
    if condition.values is None:
        return bool(known)
    if condition.by_prefix:
        return any(each.startswith(condition.values) for each in known)
    return any(each in condition.values for each in known)


def _within(age: int, condition: AgeBetween) -> bool:
    return (condition.at_least is None or age >= condition.at_least) and (
        condition.at_most is None or age <= condition.at_most
    )
