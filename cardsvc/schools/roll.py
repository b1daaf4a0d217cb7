"""A roll as it was read, whatever its format, and the rules that every line must keep."""

import dataclasses
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext

from cardsvc.people import readable, short_name
from cardsvc.schools.grades import grade_of, is_mef, schooling_of
from sesame.platform.problems import reason_for

# INE forms (Répertoire national des identifiants élèves, then the older BEA and apprentices').
_INE = re.compile(r"[0-9]{9}[A-Z]{2}|[0-9_]{10}[A-Z]|[0-9]{4}A[0-9]{5}[A-Z]", re.ASCII)
_DAY = re.compile(r"\d{2}/\d{2}/\d{4}", re.ASCII)
_OLDEST_YEARS = 100
_LONGEST_NAME = 100
_LONGEST_CLASS = 40


@dataclass(frozen=True)
class Pupil:
    """One accepted line. mef: 11 characters; grade and status: the values of the facts so named."""

    line_number: int
    ine: str
    family_name: str
    usual_name: str | None
    given_name: str
    birth_date: date
    class_name: str
    mef: str
    grade: str
    status: str


@dataclass(frozen=True)
class LineNote:
    """Why a line was rejected or passed over: where it is in the file, which field, which reason.

    `pupil` is a name for the secretary's own screen; it is shown nowhere else and never logged.
    """

    line_number: int
    field: str
    reason_code: str
    pupil: str = dataclasses.field(default="", repr=False)

    @property
    def sentence(self) -> str:
        """The reason in the reader's language."""
        return str(gettext(reason_for(self.reason_code).sentence))


RejectedLine = LineNote
SkippedLine = LineNote


@dataclass(frozen=True)
class Roll:
    """What a file says of one school. format: `siecle` or `fregata`; school_year: its rentrée's
    year, None where the format doesn't say; file_hash: SHA-256 of the (unzipped) content.
    """

    format: str
    uai: str
    school_year: int | None
    exported_on: date | None
    file_hash: bytes
    pupils: tuple[Pupil, ...]
    skipped: tuple[SkippedLine, ...]
    rejected: tuple[RejectedLine, ...]


@dataclass(frozen=True)
class RawLine:
    """A line's texts under the names that its own format gives them (for the notes)."""

    line_number: int
    ine: tuple[str, str]
    family_name: tuple[str, str]
    usual_name: tuple[str, str]
    given_name: tuple[str, str]
    birth_date: tuple[str, str]
    mef: tuple[str, str]
    status: tuple[str, str]
    left_on: tuple[str, str] = ("", "")


@dataclass
class LineReader:
    """Sorts the lines of one file into pupils, passed over, and rejected. on: today, to judge birth
    dates by.
    """

    on: date
    pupils: list[Pupil] = dataclasses.field(default_factory=list)
    skipped: list[LineNote] = dataclasses.field(default_factory=list)
    rejected: list[LineNote] = dataclasses.field(default_factory=list)
    _seen: set[str] = dataclasses.field(default_factory=set)

    def take(self, line: RawLine, class_name: tuple[str, str]) -> None:
        """Judge one line, as the importers of the trade do: whoever has left, has no INE yet or is in
        no class is passed over; anything malformed is rejected, all its faults at once.
        """
        name = self._name_of(line)
        if line.left_on[1]:
            if day_of(line.left_on[1]) is None:
                self.reject(line, line.left_on[0], "date_wrong")
            else:
                self._skip(line, line.left_on[0], "pupil_left", name)
            return
        if not line.ine[1]:
            self._skip(line, line.ine[0], "pupil_without_ine", name)
        elif not class_name[1]:
            self._skip(line, class_name[0], "pupil_without_class", name)
        elif line.status[1] not in ("ST", "AP"):
            self._skip(line, line.status[0], "pupil_other_status", name)
        else:
            self._judge(line, class_name)

    def reject(self, line: RawLine, field_name: str, reason_code: str) -> None:
        """Note one fault of a line."""
        self.rejected.append(
            LineNote(line.line_number, field_name, reason_code, self._name_of(line))
        )

    def _skip(self, line: RawLine, field_name: str, reason_code: str, name: str) -> None:
        self.skipped.append(LineNote(line.line_number, field_name, reason_code, name))

    def _judge(self, line: RawLine, class_name: tuple[str, str]) -> None:
        faults = len(self.rejected)
        ine = line.ine[1].upper()
        if _INE.fullmatch(ine) is None:
            self.reject(line, line.ine[0], "ine_malformed")
        elif ine in self._seen:
            self.reject(line, line.ine[0], "ine_duplicate")
        self._seen.add(ine)
        born = self._birth_date(line)
        for label, text in (line.family_name, line.given_name):
            if not text:
                self.reject(line, label, "name_missing")
        for (label, text), longest in (
            (line.family_name, _LONGEST_NAME),
            (line.given_name, _LONGEST_NAME),
            (line.usual_name, _LONGEST_NAME),
            (class_name, _LONGEST_CLASS),
        ):
            if len(text) > longest:
                self.reject(line, label, "text_too_long")
        mef = line.mef[1].upper()
        if not is_mef(mef):
            self.reject(line, line.mef[0], "mef_malformed")
        if len(self.rejected) > faults or born is None:
            return
        self.pupils.append(
            Pupil(
                line_number=line.line_number,
                ine=ine,
                family_name=line.family_name[1],
                usual_name=line.usual_name[1] or None,
                given_name=line.given_name[1],
                birth_date=born,
                class_name=class_name[1],
                mef=mef,
                grade=grade_of(mef),
                status="apprentice" if line.status[1] == "AP" else schooling_of(mef),
            )
        )

    def _birth_date(self, line: RawLine) -> date | None:
        label, text = line.birth_date
        born = day_of(text)
        if born is None:
            self.reject(line, label, "date_wrong")
        elif not self.on.year - _OLDEST_YEARS <= born.year or born >= self.on:
            self.reject(line, label, "birth_date_implausible")
            born = None
        return born

    @staticmethod
    def _name_of(line: RawLine) -> str:
        given, family = line.given_name[1], line.usual_name[1] or line.family_name[1]
        return short_name(given, family) if given and family else readable(given or family)


def day_of(text: str) -> date | None:
    """Return the day that `jj/mm/aaaa` names; None for another form or a day that doesn't exist."""
    if _DAY.fullmatch(text) is None:
        return None
    try:
        return datetime.strptime(text, "%d/%m/%Y").date()
    except ValueError:
        return None


def tidy(text: str | None) -> str:
    """Return a field's text in Unicode NFC, with single spaces and none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text or "").split())
