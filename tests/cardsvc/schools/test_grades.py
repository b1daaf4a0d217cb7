"""Grades out of MEF codes, against the labels that the nomenclature gives to the real ones."""

import csv
import re

import pytest

from cardsvc.schools.grades import grade_of, is_mef, schooling_of

# How the official labels begin, for the tracks that have a grade.
LABELS = (
    (re.compile(r"2NDE|2-|2NDPRO|2BT|2DPROA"), "seconde"),
    (re.compile(r"PREMIERE|1-|1S2TMD|1STD2A|1STI2D|1ERPRO|1EPROA|1BT"), "premiere"),
    (re.compile(r"TERMINALE|T-|TS2TMD|TSTD2A|TSTI2D|TLEPRO|TLPROA|TBT"), "terminale"),
    (re.compile(r"1CAP[123]"), "cap1"),
    (re.compile(r"[23]CAP[23]"), "cap2"),
)
TRACKS = {
    "200", "201", "202", "210", "211", "212", "213", "214", "220", "221", "222",
    "240", "241", "242", "247", "271", "276",
}  # fmt: skip


@pytest.fixture
def nomenclature(real_data):
    with (real_data / "mef" / "mef_ouverts.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_every_open_mef_has_the_grade_that_its_label_says(nomenclature):
    assert len(nomenclature) == 2491
    for row in nomenclature:
        expected = "other"
        if row["dispositif"] in TRACKS:
            expected = next(grade for label, grade in LABELS if label.match(row["libelle_long"]))
        assert grade_of(row["code_mef"]) == expected, row["libelle_long"]


def test_every_real_code_is_a_well_formed_one(nomenclature):
    assert all(is_mef(row["code_mef"]) for row in nomenclature)


@pytest.mark.parametrize(
    ("label", "status"),
    [
        ("TERMINALE GENERALE", "lyceen"),
        ("1CAP2", "lyceen"),
        ("3EME", "collegien"),
        ("1BTS", "student"),
    ],
)
def test_post_bac_classes_of_a_lycee_make_students(nomenclature, label, status):
    codes = [row["code_mef"] for row in nomenclature if row["libelle_long"].startswith(label)]
    assert codes
    assert {schooling_of(code) for code in codes} == {status}


@pytest.mark.parametrize("text", ["", "2001001811", "200100181100", "2001001811é", "20010018 10"])
def test_another_form_is_no_mef(text):
    assert not is_mef(text)
