"""What a schema can't say of a programme's file: dates, sums, and names that answer each other."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from cardsvc.programmes.reading import Path as Where
from cardsvc.programmes.reading import Written
from cardsvc.programmes.reasons import Problem
from cardsvc.programmes.rules import WHOLE_WEIGHT
from cardsvc.programmes.shape import unknown_word
from cardsvc.programmes.values import day_or_none, percent_text, weight_or_none
from cardsvc.programmes.wording import _

CONDITION_DEPTH = 12
_DATE_FIELDS = ("from", "until", "grace_until", "at")
_AMOUNT_FIELDS = ("amount", "per_purchase", "per_day", "per_season", "unit_price")


def sense_problems(written: Written) -> Iterator[Problem]:
    """Yield what contradicts itself. Parts whose shape is wrong are left to the schema."""
    content = written.content
    if not isinstance(content, dict):
        return
    yield from _figures(content, (), written)
    yield from _season(content.get("season"), written)
    yield from _funders(content, written)
    lines = content.get("lines")
    if isinstance(lines, list):
        yield from _lines([each for each in lines if isinstance(each, dict)], written)
    yield from _too_nested(content.get("eligibility"), ("eligibility",), 1, written)


def _figures(value: Any, path: Where, written: Written) -> Iterator[Problem]:
    """Days that are not in the calendar, amounts of zero and ages in the wrong order, anywhere."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _figures(each, (*path, index), written)
    if not isinstance(value, dict):
        return
    for name, each in value.items():
        where = (*path, name)
        if name in _DATE_FIELDS and isinstance(each, str) and _looks_like_a_day(each):
            if day_or_none(each) is None:
                yield Problem(
                    "date_invalid",
                    written.line_of(where),
                    where,
                    _("Le %(day)s n'existe pas dans le calendrier.", day=each),
                )
        elif name in _AMOUNT_FIELDS and each == "0.00":
            yield Problem(
                "amount_malformed",
                written.line_of(where),
                where,
                _("Un montant est supérieur à zéro."),
            )
        elif name == "age" and isinstance(each, dict):
            yield from _age(each, where, written)
        yield from _figures(each, where, written)


def _looks_like_a_day(text: str) -> bool:
    return [len(part) for part in text.split("-")] == [4, 2, 2] and text.replace("-", "").isdigit()


def _age(age: dict[str, Any], path: Where, written: Written) -> Iterator[Problem]:
    low, high = age.get("min"), age.get("max")
    if _is_number(low) and _is_number(high) and int(str(low)) > int(str(high)):
        yield Problem(
            "age_order",
            written.line_of(path),
            path,
            _("L'âge minimal (%(low)s) dépasse l'âge maximal (%(high)s).", low=low, high=high),
        )


def _is_number(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdigit()


def _season(season: Any, written: Written) -> Iterator[Problem]:
    if not isinstance(season, dict):
        return
    first, last = day_or_none(season.get("from")), day_or_none(season.get("until"))
    grace = day_or_none(season.get("grace_until"))

    def disorder(name: str, earlier: date, later: date) -> Problem:
        where: Where = ("season", name)
        return Problem(
            "season_order",
            written.line_of(where),
            where,
            _(
                "La date « %(field)s » (%(later)s) vient avant le %(earlier)s.",
                field=name,
                later=later.isoformat(),
                earlier=earlier.isoformat(),
            ),
        )

    if first and last and last < first:
        yield disorder("until", first, last)
    if last and grace and grace < last:
        yield disorder("grace_until", last, grace)


def _funders(content: dict[str, Any], written: Written) -> Iterator[Problem]:
    listed = content.get("funders")
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        return
    codes = [each.get("funder") for each in listed]
    yield from _twice(codes, "funders", "funder", "funder_duplicate", written)
    weights = [weight_or_none(each.get("share")) for each in listed]
    known = [each for each in weights if each is not None]
    if listed and len(known) == len(listed):
        for index, weight in enumerate(known):
            if weight == 0:
                where: Where = ("funders", index, "share")
                yield Problem(
                    "share_malformed",
                    written.line_of(where),
                    where,
                    _("Une part est supérieure à zéro."),
                )
        if sum(known) != WHOLE_WEIGHT:
            yield Problem(
                "shares_not_100",
                written.line_of(("funders",)),
                ("funders",),
                _(
                    "Les parts des financeurs font %(sum)s %%, et non 100 %%.",
                    sum=percent_text(sum(known)),
                ),
            )
    paying = content.get("paying_body")
    if isinstance(paying, str) and paying not in codes:
        yield Problem(
            "paying_body_unknown",
            written.line_of(("paying_body",)),
            ("paying_body",),
            unknown_word(paying, [each for each in codes if isinstance(each, str)]),
        )


def _lines(lines: list[dict[str, Any]], written: Written) -> Iterator[Problem]:
    yield from _twice([each.get("id") for each in lines], "lines", "id", "line_duplicate", written)
    for index, line in enumerate(lines):
        yield from _too_nested(line.get("eligibility"), ("lines", index, "eligibility"), 1, written)
        caps, covered = line.get("caps"), line.get("categories")
        if not isinstance(caps, dict) or not isinstance(covered, list):
            continue
        per_category = caps.get("per_category")
        for category in per_category if isinstance(per_category, dict) else ():
            if category not in covered:
                where: Where = ("lines", index, "caps", "per_category", category)
                yield Problem(
                    "cap_category_not_covered",
                    written.line_of(where),
                    where,
                    _("Cette ligne n'achète pas la catégorie « %(word)s ».", word=category),
                )


def _twice(
    ids: list[Any], parent: str, name: str, code: str, written: Written
) -> Iterator[Problem]:
    for index, each in enumerate(ids):
        if isinstance(each, str) and each in ids[:index]:
            where: Where = (parent, index, name)
            yield Problem(
                code,
                written.line_of(where),
                where,
                _("« %(word)s » est déjà utilisé plus haut.", word=each),
            )


def _too_nested(condition: Any, path: Where, depth: int, written: Written) -> Iterator[Problem]:
    if not isinstance(condition, dict):
        return
    if depth > CONDITION_DEPTH:
        yield Problem(
            "yaml_too_deep",
            written.line_of(path),
            path,
            _("Les conditions sont imbriquées trop profondément."),
        )
        return
    yield from _too_nested(condition.get("not"), (*path, "not"), depth + 1, written)
    for name in ("all", "any"):
        parts = condition.get(name)
        for index, each in enumerate(parts if isinstance(parts, list) else ()):
            yield from _too_nested(each, (*path, name, index), depth + 1, written)
