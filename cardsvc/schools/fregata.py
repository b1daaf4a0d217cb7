"""Reading FREGATA's CSV (agricultural schools): `;`, UTF-8 with or without a byte order mark, one
header line whose columns are these, in this order. It says neither the school nor the year.
"""

import csv
import io
from datetime import date
from typing import Protocol

from cardsvc.schools.reasons import (
    RollEncodingUnknown,
    RollNotARoll,
    RollSchoolNeeded,
    RollUnreadable,
)
from cardsvc.schools.roll import LineReader, RawLine, Roll, tidy

COLUMNS = (
    "Identifiant unique*",
    "Premier prénom*",
    "Deuxième prénom",
    "Troisième prénom",
    "Nom de famille*",
    "Nom d'usage",
    "Code sexe*",
    "Date de naissance (jj/mm/aaaa)*",
    "Code commune naissance**",
    "Libellé commune naissance**",
    "Code département naissance*",
    "Code pays naissance*",
    "Statut*",
    "Code MEF*",
    "Division*",
)
_AT = {name: index for index, name in enumerate(COLUMNS)}


class Stream(Protocol):
    """What this reader reads from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, all by default."""
        ...

    def digest(self) -> bytes:
        """Return the SHA-256 of all that has been read."""
        ...


def read(stream: Stream, *, uai: str | None, on: date) -> Roll:
    """Read a whole file of the school `uai`. Raises `RollNotARoll` for another header,
    `RollEncodingUnknown`, `RollUnreadable`, or `RollSchoolNeeded` without `uai`. on: today.
    """
    try:
        text = stream.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RollEncodingUnknown() from None
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    reader = LineReader(on)
    try:
        header = next(rows, [])
        if tuple(tidy(name) for name in header) != COLUMNS:
            raise RollNotARoll(found="csv")
        if uai is None:
            raise RollSchoolNeeded()
        begins = rows.line_num + 1
        for row in rows:
            if row:
                _take(reader, begins, [tidy(value) for value in row])
            begins = rows.line_num + 1
    except csv.Error:
        raise RollUnreadable(line=rows.line_num) from None
    return Roll(
        format="fregata",
        uai=uai,
        school_year=None,
        exported_on=None,
        file_hash=stream.digest(),
        pupils=tuple(reader.pupils),
        skipped=tuple(reader.skipped),
        rejected=tuple(reader.rejected),
    )


def _take(reader: LineReader, line_number: int, row: list[str]) -> None:
    fits = len(row) == len(COLUMNS)
    values = row if fits else (row + [""] * len(COLUMNS))[: len(COLUMNS)]

    def column(name: str) -> tuple[str, str]:
        return name, values[_AT[name]]

    line = RawLine(
        line_number=line_number,
        ine=column("Identifiant unique*"),
        family_name=column("Nom de famille*"),
        usual_name=column("Nom d'usage"),
        given_name=column("Premier prénom*"),
        birth_date=column("Date de naissance (jj/mm/aaaa)*"),
        mef=column("Code MEF*"),
        status=column("Statut*"),
    )
    if fits:
        reader.take(line, column("Division*"))
    else:
        reader.reject(line, "", "columns_wrong")
