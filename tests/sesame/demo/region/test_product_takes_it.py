"""The region's files, given to the product's own readers: it takes every line of them."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from cardsvc.programmes.checking import check
from cardsvc.schools.roll_file import read_roll
from merchants.directory.merchant_file import read_merchant_file
from sesame.demo.region.generate import Region

TODAY = date(2026, 11, 24)


@pytest.fixture(params=["invented", "official"])
def any_region(request: pytest.FixtureRequest) -> Region:
    name = "region" if request.param == "invented" else "official_region"
    region: Region = request.getfixturevalue(name)
    return region


def test_every_roll_is_read_with_the_students_that_were_invented(any_region: Region) -> None:
    expected = {
        (s.school_uai, s.ine, s.birth_date, s.mef, s.grade, s.division, s.apprentice)
        for s in any_region.students
        if s.ine is not None and s.left_on is None
    }
    found = set()
    skipped: Counter[str] = Counter()
    for uai, path in any_region.rolls.items():
        roll = read_roll(path, uai=uai, on=TODAY)
        assert roll.rejected == ()
        assert roll.school_year in (2026, None)
        skipped.update(note.reason_code for note in roll.skipped)
        found |= {
            (uai, p.ine, p.birth_date, p.mef, p.grade, p.class_name, p.status == "apprentice")
            for p in roll.pupils
        }
        assert {p.status for p in roll.pupils} <= {"lyceen", "apprentice"}
    assert found == expected
    assert skipped == {
        "pupil_left": sum(s.left_on is not None for s in any_region.students),
        "pupil_without_ine": sum(s.ine is None for s in any_region.students),
    }


def test_every_shop_is_taken(any_region: Region) -> None:
    lines, errors = read_merchant_file(any_region.shops_file.read_bytes())
    assert errors == []
    assert [line.siret for line in lines] == [shop.siret for shop in any_region.shops]


def test_every_programme_is_without_fault(region: Region) -> None:
    programmes = [check(path.read_bytes()) for path in region.programmes]
    assert len(programmes) == 3


def test_a_roll_is_read_on_the_day_it_was_exported_too(region: Region) -> None:
    first: Path = next(iter(region.rolls.values()))
    roll = read_roll(first, uai=next(iter(region.rolls)), on=date(2026, 9, 15))
    assert roll.rejected == ()
    assert roll.exported_on == date(2026, 9, 15)
