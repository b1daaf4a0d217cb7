"""Invented students: names out of faker's French lists, ages that fit the grade, INE of nobody."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from .communes import Commune
from .names import BOYS, GIRLS, NAMES_WITH_LIGATURE
from .schools import School
from .tracks import AGRICULTURAL, USUAL_AGE, VOCATIONAL, Track, Year, tracks_of

_INE_LETTERS = "ABCDEFGHJK"


@dataclass(frozen=True)
class Student:
    """A line of a school roll. `ine` is None for one whose number hasn't come yet."""

    school_uai: str
    number: int
    """Inside the school, as SIECLE's ELENOET."""
    ine: str | None
    family_name: str
    usage_name: str | None
    first_name: str
    second_name: str | None
    birth_date: date
    sex: str
    """SIECLE's CODE_SEXE: 1 male, 2 female."""
    birth_commune: Commune
    mef: str
    previous_mef: str | None
    grade: str
    """A key of `tracks.USUAL_AGE`."""
    division: str
    group: str | None
    apprentice: bool
    repeats: bool
    left_on: date | None

    @property
    def on_roll(self) -> bool:
        """Whether a roll import keeps this line: still there, and with a national number."""
        return self.left_on is None and self.ine is not None


def invent_students(
    seed: int, schools: tuple[School, ...], places: tuple[Commune, ...], school_year: int
) -> tuple[Student, ...]:
    """Return the students of every school, school by school.

    `school_year` is the calendar year of the rentrée. Each school gets its `student_count`. About
    one student in a hundred has left, one in a hundred has no INE yet; never in an agricultural
    school, whose export format has no place for either.
    """
    family_names = _family_names(seed)
    students: list[Student] = []
    for school in schools:
        rng = random.Random(f"{seed}:{school.uai}")
        seats = _seats(school, rng)
        for number in range(1, school.student_count + 1):
            track, place = seats[(number - 1) % len(seats)]
            students.append(
                _student(
                    school,
                    number=number,
                    rank=len(students) + 1,
                    track=track,
                    place=place,
                    family_name=next(family_names),
                    rng=rng,
                    places=places,
                    school_year=school_year,
                )
            )
    return tuple(students)


def _family_names(seed: int) -> Iterator[str]:
    # Imported here: only the demonstration pays for loading it, not every `sesame` command.
    from faker import Faker  # noqa: PLC0415

    names = Faker("fr_FR")
    names.seed_instance(seed)
    rng = random.Random(f"{seed}:ligatures")
    while True:
        name = names.last_name()
        yield rng.choice(NAMES_WITH_LIGATURE) if rng.random() < 0.01 else name


def _seats(school: School, rng: random.Random) -> list[tuple[Track, int]]:
    """Choose two or three tracks of the school and list their years, to be filled in turn."""
    taught = tracks_of(school.kinds)
    chosen: list[Track] = []
    for kind in sorted(school.kinds):
        chosen.append(rng.choice([track for track in taught if track.kind == kind]))
    while len(chosen) < min(2, len(taught)):
        chosen.append(rng.choice([track for track in taught if track not in chosen]))
    return [(track, place) for track in chosen for place in range(len(track.years))]


def _student(
    school: School,
    *,
    number: int,
    rank: int,
    track: Track,
    place: int,
    family_name: str,
    rng: random.Random,
    places: tuple[Commune, ...],
    school_year: int,
) -> Student:
    year = track.years[place]
    girl = rng.random() < 0.5
    first_names = GIRLS if girl else BOYS
    first_name, second_name = rng.sample(first_names, 2)
    repeats = rng.random() < 0.05
    fregata = AGRICULTURAL in school.kinds
    left = not fregata and rng.random() < 0.01
    without_ine = not fregata and not left and rng.random() < 0.01
    return Student(
        school_uai=school.uai,
        number=1000 + number,
        ine=None if without_ine else _ine(rank),
        family_name=family_name,
        usage_name=f"{family_name}-{rng.choice(NAMES_WITH_LIGATURE)}"
        if rng.random() < 0.02
        else None,
        first_name=first_name,
        second_name=second_name if rng.random() < 0.4 else None,
        birth_date=_birth_date(year, repeats, rng, school_year),
        sex="2" if girl else "1",
        birth_commune=rng.choice(places),
        mef=year.mef,
        previous_mef=year.mef if repeats else (track.years[place - 1].mef if place > 0 else None),
        grade=year.grade,
        division=f"{year.division}1",
        group=f"{year.division}1_GR{rng.randint(1, 2)}" if rng.random() < 0.3 else None,
        apprentice=(track.kind == VOCATIONAL or fregata) and rng.random() < 0.1,
        repeats=repeats,
        left_on=date(school_year, 9, 2) + timedelta(days=rng.randint(1, 12)) if left else None,
    )


def _birth_date(year: Year, repeats: bool, rng: random.Random, school_year: int) -> date:
    age = USUAL_AGE[year.grade] + (1 if repeats else 0)
    # Some repeated a year earlier (more of them on the way to a CAP), a few are one year ahead.
    late = rng.random() < (0.35 if year.grade.startswith("cap") else 0.1)
    early = not repeats and not late and rng.random() < 0.02
    born = school_year - age - (1 if late else 0) + (1 if early else 0)
    return date(born, 1, 1) + timedelta(days=rng.randrange(365))


def _ine(rank: int) -> str:
    """Return a number of the RNIE form (nine digits, two letters; 000…) that nobody bears."""
    return f"{rank:09d}{_INE_LETTERS[rank % 10]}{_INE_LETTERS[rank // 10 % 10]}"
