"""What a JSON Schema can say of a programme's file: its shape, with the nearest word suggested."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from cardsvc.programmes.reading import Path as Where
from cardsvc.programmes.reading import Written
from cardsvc.programmes.reasons import Problem
from cardsvc.programmes.wording import _

SCHEMA_FILE = Path(__file__).with_name("schema.json")


def schema_text() -> str:
    """Return the published JSON Schema (draft 2020-12) as text."""
    return SCHEMA_FILE.read_text(encoding="utf-8")


def _whole_pattern(
    validator: Any, pattern: str, instance: object, schema: Any
) -> Iterator[ValidationError]:
    """Python's `$` lets a last line break pass; in the schema's own language it doesn't."""
    if isinstance(instance, str) and ("\n" in instance or not re.search(pattern, instance)):
        yield ValidationError("the text has another form")


_Validator = extend(Draft202012Validator, {"pattern": _whole_pattern})


@cache
def _validator() -> Draft202012Validator:
    return _Validator(json.loads(schema_text()))


def shape_problems(written: Written) -> Iterator[Problem]:
    """Yield what breaks the published schema, each with its line."""
    for error in _validator().iter_errors(written.content):
        yield from _from_schema(error, written)


def _from_schema(error: ValidationError, written: Written) -> Iterator[Problem]:
    path: Where = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        yield from _unknown_fields(error, path, written)
        return
    code, sentence = _said(error)
    yield Problem(code, written.line_of(path), path, sentence)


def _unknown_fields(error: ValidationError, path: Where, written: Written) -> Iterator[Problem]:
    known = list(error.schema["properties"])
    code = "category_unknown" if path[-1:] == ("per_category",) else "field_unknown"
    for name in error.instance:
        if name not in known:
            where = (*path, name)
            yield Problem(code, written.line_of(where), where, _unknown_field(name, known))


def _said(error: ValidationError) -> tuple[str, str]:
    """Return the code and sentence of every other kind of error."""
    schema = error.schema
    named = schema.get("x-code", "value_invalid")
    match error.validator:
        case "required":
            # The validator yields one error for each missing field, named first in its message.
            missing = error.message.split("'")[1]
            return "field_missing", _("Il manque le champ « %(field)s ».", field=missing)
        case "type":
            return "type_wrong", _wrong_type(schema["type"])
        case "minItems" | "minProperties":
            return "too_few", _("Il faut au moins un élément de plus ici.")
        case "maxItems":
            most = error.validator_value
            return "too_many", _("Il y a trop d'éléments ici (%(most)s au plus).", most=most)
        case "maxProperties":
            return (
                "condition_ambiguous",
                _("Plusieurs conditions côte à côte : dites « all » (toutes) ou « any » (une)."),
            )
        case "enum":
            words = [each for each in schema["enum"] if isinstance(each, str)]
            return named, unknown_word(error.instance, words)
        case _:
            return named, _wrong_value(named)


def _unknown_field(name: str, known: Iterable[str]) -> str:
    nearest = _nearest(name, known)
    if nearest is None:
        return _("Le champ « %(field)s » n'existe pas ici.", field=name)
    return _(
        "Le champ « %(field)s » n'existe pas ici. Vouliez-vous dire « %(nearest)s » ?",
        field=name,
        nearest=nearest,
    )


def unknown_word(word: object, known: list[str]) -> str:
    """Return the sentence for a word out of no list, with the nearest of `known`."""
    nearest = _nearest(str(word), known)
    if nearest is None:
        return _(
            "« %(word)s » n'est pas accepté ici. Choix possibles : %(known)s.",
            word=word,
            known=", ".join(known),
        )
    return _(
        "« %(word)s » n'est pas accepté ici. Vouliez-vous dire « %(nearest)s » ?",
        word=word,
        nearest=nearest,
    )


def _nearest(word: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)), None)


def _wrong_type(wanted: str | list[str]) -> str:
    if wanted == "object":
        return _("Il faut ici des champs (« nom: valeur »).")
    if wanted == "array":
        return _("Il faut ici une liste.")
    return _("Il faut ici un texte simple.")


def _wrong_value(code: str) -> str:
    if code == "amount_malformed":
        return _('Un montant s\'écrit en euros avec deux décimales, par exemple "70.00".')
    if code == "share_malformed":
        return _('Une part s\'écrit en pour cent, avec quatre décimales au plus, par exemple "60".')
    if code == "date_invalid":
        return _("Une date s'écrit année-mois-jour, par exemple 2026-09-01.")
    return _("Cette valeur n'a pas la forme attendue.")
