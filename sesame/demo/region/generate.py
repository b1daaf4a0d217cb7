"""Writes the whole region into a folder, and hands back what it wrote as plain values.

```
schools.csv                                      directory of schools
rolls/ExportXML_ElevesSansAdresses_<UAI>.zip     one roll for each school: most are zipped,
rolls/ElevesAvecAdresses_<UAI>.xml               some have addresses, some come as they are,
rolls/FREGATA_<UAI>.csv                          agricultural schools use another application
merchants.csv                                    shops
programmes/*.yaml                                what the region grants
```
"""

import re
import shutil
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path

from . import official
from .communes import REGION_NAME, communes
from .funders import FUNDERS, Budget, Funder, budgets
from .schools import School, invent_schools, write_directory
from .shops import Shop, invent_shops, write_shops
from .siecle import fregata_csv, siecle_xml, zipped
from .students import Student, invent_students
from .tracks import AGRICULTURAL

DEFAULT_SEED = 2026
SHIPPED_SCHOOL_YEAR = 2026
"""The school year that `programmes/*.yaml` are written for."""
STUDENTS = 2000
STUDENTS_PER_OFFICIAL_SCHOOL = 20


@dataclass(frozen=True)
class Region:
    """What was written: the values and the files that say them."""

    name: str
    seed: int
    school_year: int
    schools: tuple[School, ...]
    students: tuple[Student, ...]
    shops: tuple[Shop, ...]
    funders: tuple[Funder, ...]
    budgets: tuple[Budget, ...]
    folder: Path
    schools_file: Path
    shops_file: Path
    rolls: dict[str, Path]
    """A school's roll by its UAI."""
    programmes: tuple[Path, ...]
    """In the order in which to publish them."""


def school_year_of(day: date) -> int:
    """Return the calendar year of the rentrée of the school year that `day` is in."""
    return day.year if day.month >= 9 else day.year - 1


def generate(
    folder: Path,
    *,
    seed: int = DEFAULT_SEED,
    school_year: int = SHIPPED_SCHOOL_YEAR,
    data: Path | None = None,
) -> Region:
    """Write the region's files into `folder` (made if need be) and return the region.

    `school_year` is the calendar year of the rentrée. With `data`, schools and cinemas are those of
    the official files in that folder (raises `official.OfficialFileMissing` or
    `official.OfficialFileUnreadable` before anything is written); students, bookshops and accounts
    are invented all the same. Same arguments, same bytes.
    """
    invented_places = communes()
    shops = invent_shops(seed, invented_places)
    rows: list[dict[str, str]] | None = None
    if data is None:
        places = invented_places
        schools, rows = invent_schools(seed, places, STUDENTS)
    else:
        places = official.read_communes(data)
        schools = official.read_schools(data, STUDENTS_PER_OFFICIAL_SCHOOL)
        bookshops = tuple(shop for shop in shops if not shop.sells("cinema"))
        shops = bookshops + official.read_cinemas(data, places)
    students = invent_students(seed, schools, places, school_year)

    folder.mkdir(parents=True, exist_ok=True)
    schools_file = folder / "schools.csv"
    if data is None:
        write_directory(schools_file, rows or [])
    else:
        shutil.copyfile(official.directory_file(data), schools_file)
    shops_file = folder / "merchants.csv"
    write_shops(shops_file, shops)
    return Region(
        name=REGION_NAME,
        seed=seed,
        school_year=school_year,
        schools=schools,
        students=students,
        shops=shops,
        funders=FUNDERS,
        budgets=budgets(students),
        folder=folder,
        schools_file=schools_file,
        shops_file=shops_file,
        rolls=_write_rolls(folder / "rolls", schools, students, school_year),
        programmes=_write_programmes(folder / "programmes", school_year),
    )


def _write_rolls(
    folder: Path, schools: tuple[School, ...], students: tuple[Student, ...], school_year: int
) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    by_school: dict[str, list[Student]] = {school.uai: [] for school in schools}
    for student in students:
        by_school[student.school_uai].append(student)
    rolls = {}
    for index, school in enumerate(schools):
        roll = by_school[school.uai]
        if AGRICULTURAL in school.kinds:
            name, content = f"FREGATA_{school.uai}.csv", fregata_csv(roll)
        else:
            with_addresses = index % 4 == 3
            export = "ElevesAvecAdresses" if with_addresses else "ElevesSansAdresses"
            content = siecle_xml(school.uai, roll, school_year, with_addresses)
            if index % 7 == 6:
                name = f"{export}_{school.uai}.xml"
            else:
                name = f"ExportXML_{export}_{school.uai}.zip"
                content = zipped(f"{export}.xml", content)
        rolls[school.uai] = folder / name
        rolls[school.uai].write_bytes(content)
    return rolls


def _write_programmes(folder: Path, school_year: int) -> tuple[Path, ...]:
    """Copy the shipped programmes, with their season moved to the school year."""
    folder.mkdir(exist_ok=True)
    written = []
    shipped = resources.files(__package__).joinpath("programmes")
    for entry in sorted(shipped.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            text = re.sub(
                r"\b(2026|2027)\b",
                lambda year: str(int(year[0]) - SHIPPED_SCHOOL_YEAR + school_year),
                entry.read_text(encoding="utf-8"),
            )
            target = folder / entry.name
            target.write_text(text, encoding="utf-8")
            written.append(target)
    return tuple(written)
