"""Why someone does or doesn't get a programme: a sentence for each condition, in the reader's
language. A fact without words of its own is never named: it may be a disability.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from babel.dates import format_date
from flask_babel import get_locale

from cardsvc.programmes.eligibility import (
    AgeBetween,
    AllOf,
    AnyOf,
    Condition,
    FactIs,
    Facts,
    NoneOf,
    age_on,
    holds,
)
from cardsvc.programmes.vocabulary import GRADES, STATUSES
from cardsvc.programmes.wording import _

_MOST_NAMED = 6


@dataclass(frozen=True)
class Explanation:
    """One condition's answer: whether it holds, its sentence, and those of its parts."""

    ok: bool
    sentence: str
    parts: tuple["Explanation", ...] = ()

    def sentences(self) -> Iterator[tuple[int, str]]:
        """Yield (depth, sentence) in reading order."""
        yield 0, self.sentence
        for part in self.parts:
            for depth, sentence in part.sentences():
                yield depth + 1, sentence


def explain(condition: Condition, facts: Facts) -> Explanation:
    """Return why `condition` holds or doesn't for someone with these facts."""
    return _explain(condition, facts, negated=False)


def _explain(condition: Condition, facts: Facts, *, negated: bool) -> Explanation:
    ok = holds(condition, facts) is not negated
    match condition:
        case NoneOf(part):
            return _explain(part, facts, negated=not negated)
        case AllOf(parts) | AnyOf(parts):
            every = isinstance(condition, AllOf) is not negated
            told = tuple(_explain(each, facts, negated=negated) for each in parts)
            return told[0] if len(told) == 1 else Explanation(ok, _heading(ok, every), told)
        case AgeBetween():
            return Explanation(ok, _sentence(ok, _age(condition, facts, negated)))
        case FactIs():
            return Explanation(ok, _sentence(ok, _fact(condition, facts, ok, negated)))


def _sentence(ok: bool, said: str) -> str:
    return _("oui : %(said)s", said=said) if ok else _("non : %(said)s", said=said)


def _heading(ok: bool, every: bool) -> str:
    if every:
        return _("oui : tout ceci est rempli") if ok else _("non : il faut tout ceci")
    if ok:
        return _("oui : une de ces conditions suffit")
    return _("non : il faut au moins une de ces conditions")


def _age(condition: AgeBetween, facts: Facts, negated: bool) -> str:
    years = age_on(condition.day, facts)
    if years is None:
        return _("ta date de naissance n'est pas connue")
    day = format_date(condition.day, "d MMMM y", locale=str(get_locale() or "fr"))
    have = _("tu as %(years)s ans au %(day)s", years=years, day=day)
    low, high = condition.at_least, condition.at_most
    if low is not None and low == high:
        want = _("%(years)s ans", years=low)
    elif low is None:
        want = _("%(years)s ans au plus", years=high)
    elif high is None:
        want = _("%(years)s ans au moins", years=low)
    else:
        want = _("%(low)s à %(high)s ans", low=low, high=high)
    return f"{have}{_separator()}{_wanted(want, negated)}"


def _fact(condition: FactIs, facts: Facts, ok: bool, negated: bool) -> str:
    known = facts.get(condition.name, ())
    words = _WORDS.get(condition.name)
    if words is None or condition.values is None:
        return _other_fact(condition, ok)
    have = words(known) if known else _not_known(condition.name)
    want = _listed(_translated(condition.name, condition.values))
    if condition.by_prefix:
        want = _("les formations dont le code commence par %(codes)s", codes=want)
    return f"{have}{_separator()}{_wanted(want, negated)}"


def _other_fact(condition: FactIs, ok: bool) -> str:
    if condition.labels is not None:
        label = condition.labels["en" if str(get_locale() or "fr") == "en" else "fr"]
        return _("condition du dispositif : %(label)s", label=label)
    if ok:
        return _("une condition sur ton dossier est remplie")
    return _("une condition sur ton dossier n'est pas remplie")


def _wanted(what: str, negated: bool) -> str:
    if negated:
        return _("ce dispositif n'est pas pour %(what)s", what=what)
    return _("ce dispositif est pour %(what)s", what=what)


def _separator() -> str:
    return _(" ; ")


def _listed(words: Sequence[str]) -> str:
    if len(words) > _MOST_NAMED:
        return ", ".join(words[:_MOST_NAMED]) + "…"
    if len(words) == 1:
        return words[0]
    return _("%(first)s et %(last)s", first=", ".join(words[:-1]), last=words[-1])


def _translated(name: str, values: Collection[str]) -> list[str]:
    words: Mapping[str, object] = {"status": STATUSES, "grade": GRADES}.get(name, {})
    return [str(words.get(each, each)) for each in values]


def _status(known: Collection[str]) -> str:
    return _("tu es %(what)s", what=_listed(_translated("status", sorted(known))))


def _grade(known: Collection[str]) -> str:
    return _("tu es en %(what)s", what=_listed(_translated("grade", sorted(known))))


def _school(known: Collection[str]) -> str:
    return _("ton établissement est %(what)s", what=_listed(sorted(known)))


def _department(known: Collection[str]) -> str:
    return _("ton établissement est dans le département %(what)s", what=_listed(sorted(known)))


def _class(known: Collection[str]) -> str:
    return _("ta classe est %(what)s", what=_listed(sorted(known)))


def _mef(known: Collection[str]) -> str:
    return _("ta formation a le code %(what)s", what=_listed(sorted(known)))


_WORDS = {
    "status": _status,
    "grade": _grade,
    "school": _school,
    "department": _department,
    "class": _class,
    "mef": _mef,
}


def _not_known(name: str) -> str:
    match name:
        case "status":
            return _("ton statut n'est pas connu")
        case "grade" | "class":
            return _("ta classe n'est pas connue")
        case "mef":
            return _("ta formation n'est pas connue")
        case _:
            return _("ton établissement n'est pas connu")
