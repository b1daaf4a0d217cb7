"""The directory of schools: the national open-data file (`fr-en-annuaire-education`), by UAI."""

import csv
import io
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from cardsvc.schools.model import School
from cardsvc.schools.reasons import DirectoryRefused, SchoolUnknown
from cardsvc.schools.roll import LineNote, tidy
from cardsvc.schools.uai import is_uai
from sesame.platform.ids import uuid7

_UAI, _NAME, _SECTOR, _STATE = (
    "Identifiant_de_l_etablissement",
    "Nom_etablissement",
    "Statut_public_prive",
    "etat",
)
_NATURE, _POSTAL, _INSEE, _TOWN = "code_nature", "Code_postal", "Code_commune", "Nom_commune"
_DEPARTMENT, _ACADEMY = "Code_departement", "Libelle_academie"
_ADDRESS = ("Adresse_1", "Adresse_2")
_POSITION = ("latitude", "longitude")
_TRACKS = ("Voie_generale", "Voie_technologique", "Voie_professionnelle")
COLUMNS = (
    _UAI, _NAME, _SECTOR, _STATE, _NATURE, _POSTAL, _INSEE, _TOWN, _DEPARTMENT, _ACADEMY,
    *_ADDRESS, *_POSITION, *_TRACKS,
)  # fmt: skip
"""The columns that are read; the file has many more, in any order."""

_SECTORS = {"Public": "public", "Privé": "private"}
_STATES = {"OUVERT": "open", "A FERMER": "closing", "FERME": "closed"}
# RAMSESE's code of what a school is (nomenclature N_NATURE_UAI).
_KINDS = {
    "300": "general_technological",
    "301": "technological",
    "302": "general",
    "306": "polyvalent",
    "307": "agricultural",
    "320": "vocational",
    "334": "vocational",
    "335": "general_technological",
}
_SHAPES = {
    _POSTAL: re.compile(r"\d{5}", re.ASCII),
    _INSEE: re.compile(r"\d[0-9AB]\d{3}", re.ASCII),
    _DEPARTMENT: re.compile(r"0?(\d{2}|2[AB])|9\d{2}", re.ASCII),
}


@dataclass(frozen=True)
class DirectoryReport:
    """What an import of the directory did.

    other_sites: lines that name one more site of a school; rejected: the lines that were left out,
    and why.
    """

    new: int
    changed: int
    unchanged: int
    other_sites: int
    rejected: tuple[LineNote, ...]


def school_by_uai(session: Session, uai: str) -> School:
    """Return the school of a UAI. Raises `SchoolUnknown`."""
    school = session.scalar(select(School).where(School.uai == uai))
    if school is None:
        raise SchoolUnknown(uai=uai[:8])
    return school


def import_directory(session: Session, source: bytes | Path, at: datetime) -> DirectoryReport:
    """Add or bring up to date the schools of a directory file; the same file twice changes nothing.

    Schools that the file doesn't name are left alone (files are often extracts). A school has one
    line for each of its sites: the main one is kept. A wrong line is left out and reported. Raises
    `DirectoryRefused` for a file without the columns of `COLUMNS`.
    """
    content = source if isinstance(source, bytes) else source.read_bytes()
    rows, other_sites, rejected = _read(content)
    known = {school.uai: school for school in session.scalars(select(School))}
    new, changed = [], []
    for uai, values in rows.items():
        school = known.get(uai)
        if school is None:
            new.append({"id": uuid7(at), "uai": uai, "recorded_at": at, **values})
        elif any(getattr(school, name) != value for name, value in values.items()):
            changed.append({"id": school.id, **values})
    if new:
        session.execute(insert(School), new)
    if changed:
        session.execute(update(School), changed)
    session.flush()
    unchanged = len(rows) - len(new) - len(changed)
    return DirectoryReport(len(new), len(changed), unchanged, other_sites, tuple(rejected))


def _read(content: bytes) -> tuple[dict[str, dict[str, Any]], int, list[LineNote]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DirectoryRefused(columns=_UAI) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=";")
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise DirectoryRefused(columns=", ".join(missing))
    sites: dict[str, list[dict[str, str]]] = {}
    rejected: list[LineNote] = []
    for row in reader:
        values = {name: tidy(row[name]) for name in COLUMNS}
        uai = values[_UAI].upper()
        faults = _faults(values, uai)
        rejected += [LineNote(reader.line_num, *fault) for fault in faults]
        if not faults:
            sites.setdefault(uai, []).append(values)
    rows = {uai: _school(max(lines, key=_is_main)) for uai, lines in sites.items()}
    return rows, sum(map(len, sites.values())) - len(sites), rejected


def _is_main(values: dict[str, str]) -> tuple[bool, int]:
    """Rank a site: not an annex, then the most tracks taught; of equals `max` takes the first."""
    return "annexe" not in values[_NAME].lower(), sum(values[name] == "1" for name in _TRACKS)


def _faults(values: dict[str, str], uai: str) -> list[tuple[str, str]]:
    faults = [] if is_uai(uai) else [(_UAI, "uai_malformed")]
    faults += [
        (name, "value_wrong")
        for name, shape in _SHAPES.items()
        if shape.fullmatch(values[name]) is None
    ]
    if not values[_NAME]:
        faults.append((_NAME, "name_missing"))
    if values[_SECTOR] not in _SECTORS:
        faults.append((_SECTOR, "value_wrong"))
    if values[_STATE] not in _STATES:
        faults.append((_STATE, "value_wrong"))
    if _position(values) is None:
        faults.append((_POSITION[0], "value_wrong"))
    return faults


def _position(values: dict[str, str]) -> tuple[float | None, float | None] | None:
    """Return the coordinates; (None, None) where the file has none, None where they are wrong."""
    texts = [values[name] for name in _POSITION]
    if not any(texts):
        return None, None
    try:
        latitude, longitude = (float(text) for text in texts)
    except ValueError:
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _school(values: dict[str, str]) -> dict[str, Any]:
    latitude, longitude = _position(values) or (None, None)
    department = values[_DEPARTMENT]
    return {
        "name": values[_NAME],
        "kind": _KINDS.get(values[_NATURE], "other"),
        "nature_code": values[_NATURE],
        "sector": _SECTORS[values[_SECTOR]],
        "address": ", ".join(values[name] for name in _ADDRESS if values[name]),
        "postal_code": values[_POSTAL],
        "town": values[_TOWN],
        "insee": values[_INSEE],
        # The file pads to three characters ("069", "02A"); everybody else writes "69", "2A".
        "department": department[1:]
        if len(department) == 3 and department[0] == "0"
        else department,
        "academy": values[_ACADEMY],
        "latitude": latitude,
        "longitude": longitude,
        "state": _STATES[values[_STATE]],
    }
