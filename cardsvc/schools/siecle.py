"""Reading SIECLE's `ElevesAvecAdresses` and `ElevesSansAdresses` exports (`BEE_ELEVES`, 1.7 to 2.1).

No schema of this format is public; element names are those that the importers in use agree on. The
pupils come first in the file and their classes (STRUCTURE of type D) after all of them, so the lines
are held until the end; addresses and options are dropped as they come.
"""

import re
from datetime import date
from typing import Any, Protocol

from lxml import etree

from cardsvc.schools.reasons import (
    RollParameterWrong,
    RollUnreadable,
    RollVersionUnknown,
)
from cardsvc.schools.roll import LineReader, RawLine, Roll, day_of, tidy
from cardsvc.schools.uai import is_uai

ROOT = "BEE_ELEVES"
_VERSION = re.compile(r"(\d{1,2})\.(\d{1,2})", re.ASCII)
_OLDEST, _NEWEST = (1, 7), (2, 1)
_TAGS = ("PARAMETRES", "ELEVE", "STRUCTURES_ELEVE", "ADRESSE", "OPTION")
# The national number's element in the order in which newer versions replaced older ones.
_INE_ELEMENTS = ("ID_NATIONAL", "INE_RNIE", "INE_BEA")


class Stream(Protocol):
    """What this reader reads from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes."""
        ...

    def digest(self) -> bytes:
        """Return the SHA-256 of all that has been read."""
        ...


def read(stream: Stream, *, on: date) -> Roll:
    """Read a whole export. Raises `RollUnreadable`, `RollVersionUnknown` or `RollParameterWrong`;
    whatever `stream` raises passes through. on: today.
    """
    parameters: dict[str, str] = {}
    lines: list[tuple[str, RawLine]] = []
    classes: dict[str, str] = {}
    version = ""
    try:
        events: Any = etree.iterparse(
            stream,
            events=("end",),
            tag=_TAGS,
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        for _event, element in events:
            if element.tag == "ELEVE":
                lines.append((_key(element), _line(element)))
            elif element.tag == "STRUCTURES_ELEVE":
                division = _division(element)
                if division:
                    classes.setdefault(_key(element), division)
            elif element.tag == "PARAMETRES":
                parameters = _texts(element)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
        version = events.root.get("VERSION", "")
    except etree.XMLSyntaxError as failure:
        raise RollUnreadable(line=failure.lineno or 1) from None
    _check_version(version)
    reader = LineReader(on)
    for key, line in lines:
        reader.take(line, ("CODE_STRUCTURE", classes.get(key, "")))
    return Roll(
        format="siecle",
        uai=_uai(parameters),
        school_year=_school_year(parameters),
        exported_on=_exported_on(parameters),
        file_hash=stream.digest(),
        pupils=tuple(reader.pupils),
        skipped=tuple(reader.skipped),
        rejected=tuple(reader.rejected),
    )


def _texts(element: Any) -> dict[str, str]:
    return {child.tag: tidy(child.text) for child in element}


def _key(element: Any) -> str:
    return element.get("ELEVE_ID") or element.get("ELENOET") or ""


def _line(element: Any) -> RawLine:
    texts = _texts(element)

    def first(*names: str) -> tuple[str, str]:
        for name in names:
            if texts.get(name):
                return name, texts[name]
        return names[0], ""

    status = texts.get("CODE_STATUT") or "ST"
    return RawLine(
        line_number=element.sourceline,
        ine=first(*_INE_ELEMENTS),
        family_name=first("NOM_DE_FAMILLE", "NOM"),
        usual_name=first("NOM_USAGE"),
        given_name=first("PRENOM"),
        birth_date=first("DATE_NAISS"),
        mef=first("CODE_MEF"),
        status=("CODE_STATUT", status),
        left_on=first("DATE_SORTIE"),
    )


def _division(element: Any) -> str:
    for structure in element.iterchildren("STRUCTURE"):
        texts = _texts(structure)
        if texts.get("TYPE_STRUCTURE") == "D":
            return texts.get("CODE_STRUCTURE", "")
    return ""


def _check_version(text: str) -> None:
    found = _VERSION.fullmatch(text)
    if found is None or not _OLDEST <= (int(found[1]), int(found[2])) <= _NEWEST:
        raise RollVersionUnknown(version=text[:20] or "?")


def _uai(parameters: dict[str, str]) -> str:
    uai = parameters.get("UAJ", "").upper()
    if not is_uai(uai):
        raise RollParameterWrong(field="UAJ")
    return uai


def _school_year(parameters: dict[str, str]) -> int:
    text = parameters.get("ANNEE_SCOLAIRE", "")
    if re.fullmatch(r"2\d{3}", text, re.ASCII) is None:
        raise RollParameterWrong(field="ANNEE_SCOLAIRE")
    return int(text)


def _exported_on(parameters: dict[str, str]) -> date | None:
    text = parameters.get("DATE_EXPORT", "")
    exported_on = day_of(text)
    if text and exported_on is None:
        raise RollParameterWrong(field="DATE_EXPORT")
    return exported_on
