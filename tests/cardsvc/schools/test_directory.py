"""The directory of schools."""

import csv
from collections import Counter

import pytest

from cardsvc.schools import import_directory, school_by_uai
from cardsvc.schools.reasons import DirectoryRefused, SchoolUnknown

LUMIERES = "0690026D"


def test_the_official_directory_is_imported_whole(session, at, rows, real_data):
    file = real_data / "uai-lycees-ara" / "lycees_ara.csv"
    report = import_directory(session, file, at)
    assert (report.new, report.changed, report.unchanged, report.rejected) == (637, 0, 0, ())
    assert report.other_sites == 13
    with file.open(encoding="utf-8-sig", newline="") as opened:
        official = list(csv.DictReader(opened, delimiter=";"))
    kept = dict(rows("SELECT uai, name FROM cardsvc.school"))
    assert kept.keys() == {row["Identifiant_de_l_etablissement"] for row in official}
    lines = Counter(row["Identifiant_de_l_etablissement"] for row in official)
    for row in official:
        if lines[row["Identifiant_de_l_etablissement"]] == 1:
            name = " ".join(row["Nom_etablissement"].split())
            assert kept[row["Identifiant_de_l_etablissement"]] == name
    assert {department for (department,) in rows("SELECT DISTINCT department FROM cardsvc.school")} == {
        "01", "03", "07", "15", "26", "38", "42", "43", "63", "69", "73", "74",
    }  # fmt: skip
    assert rows("SELECT count(*) FROM cardsvc.school WHERE sector = 'private'") == [(292,)]
    assert rows("SELECT count(*) FROM cardsvc.school WHERE latitude IS NULL") == [(3,)]


def test_the_same_directory_twice_changes_nothing(schools, at, rows, directory_text):
    before = rows("SELECT *, xmin FROM cardsvc.school ORDER BY uai")
    report = import_directory(schools, directory_text.encode(), at)
    assert (report.new, report.changed, report.unchanged) == (0, 0, 2)
    assert rows("SELECT *, xmin FROM cardsvc.school ORDER BY uai") == before


def test_a_school_that_changed_its_name_keeps_its_id(schools, at, rows, directory_text):
    before = rows("SELECT id FROM cardsvc.school WHERE uai = %s", LUMIERES)
    renamed = directory_text.replace("des Lumières", "Ada-Lovelace")
    assert import_directory(schools, renamed.encode(), at).changed == 1
    assert rows("SELECT id, name FROM cardsvc.school WHERE uai = %s", LUMIERES) == [
        (before[0][0], "Lycée Ada-Lovelace")
    ]


def test_of_a_schools_sites_the_main_one_is_kept(session, at, rows, directory_text):
    lines = directory_text.splitlines()
    annex = lines[1].replace("Lycée des Lumières", "Lycée des Lumières (annexe)")
    studies = lines[1].replace("Lycée des Lumières", "Campus").replace(";1;1;0", ";0;0;0")
    text = "\n".join([lines[0], studies, annex, *lines[1:]])
    report = import_directory(session, text.encode(), at)
    assert (report.new, report.other_sites) == (2, 2)
    assert rows("SELECT name FROM cardsvc.school WHERE uai = %s", LUMIERES) == [
        ("Lycée des Lumières",)
    ]
    assert import_directory(session, text.encode(), at).unchanged == 2


@pytest.mark.parametrize(
    ("was", "becomes", "field", "reason_code"),
    [
        (LUMIERES, "0690026E", "Identifiant_de_l_etablissement", "uai_malformed"),
        ("69006;", "6900;", "Code_postal", "value_wrong"),
        (";Public;", ";Mixte;", "Statut_public_prive", "value_wrong"),
        ("45.77", "95.77", "latitude", "value_wrong"),
        ("45.77", "", "latitude", "value_wrong"),
        ("45.77", "nord", "latitude", "value_wrong"),
        (";OUVERT;45", ";PEUT-ETRE;45", "etat", "value_wrong"),
        ("Lycée des Lumières", " ", "Nom_etablissement", "name_missing"),
    ],
)
def test_a_wrong_line_is_left_out_and_told(
    session, at, was, becomes, field, reason_code, directory_text
):
    text = directory_text.replace(was, becomes)
    report = import_directory(session, text.encode(), at)
    assert report.new == 1
    assert [(note.field, note.reason_code) for note in report.rejected] == [(field, reason_code)]
    assert report.rejected[0].line_number == 2
    assert report.rejected[0].sentence


def test_another_file_is_refused_with_the_columns_that_it_lacks(session, at, directory_text):
    with pytest.raises(DirectoryRefused) as refusal:
        import_directory(session, directory_text.replace(";etat;", ";state;").encode(), at)
    assert (refusal.value.code, refusal.value.figures) == (
        "directory_columns_missing",
        {"columns": "etat"},
    )
    with pytest.raises(DirectoryRefused):
        import_directory(session, b"\xff\xfe\x00", at)


def test_a_corsican_and_an_overseas_school_have_their_departments(
    session, at, rows, directory_text
):
    text = directory_text.replace(";069;", ";02A;").replace(";001;", ";974;")
    import_directory(session, text.encode(), at)
    assert sorted(rows("SELECT department FROM cardsvc.school")) == [("2A",), ("974",)]


def test_an_unknown_school_is_not_found(schools):
    assert school_by_uai(schools, LUMIERES).town == "Lyon"
    with pytest.raises(SchoolUnknown) as refusal:
        school_by_uai(schools, "0690027E")
    assert refusal.value.code == "school_unknown"
