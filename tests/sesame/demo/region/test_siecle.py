"""School rolls, read back with lxml and the csv module as an importer would."""

import csv
import re
import zipfile
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import pytest
from lxml import etree

from sesame.demo.region.communes import communes
from sesame.demo.region.generate import Region
from sesame.demo.region.siecle import fregata_csv
from sesame.demo.region.students import Student

RNIE = re.compile(r"^[0-9]{9}[a-zA-Z]{2}$")
AGES = {"seconde": 15, "premiere": 16, "terminale": 17, "cap1": 15, "cap2": 16}
FREGATA_HEADER = (
    "Identifiant unique*;Premier prénom*;Deuxième prénom;Troisième prénom;Nom de famille*;"
    "Nom d'usage;Code sexe*;Date de naissance (jj/mm/aaaa)*;Code commune naissance**;"
    "Libellé commune naissance**;Code département naissance*;Code pays naissance*;Statut*;"
    "Code MEF*;Division*"
)


def xml_of(path: Path) -> bytes:
    """The XML of a roll, out of its archive where it is zipped."""
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        (name,) = archive.namelist()
        assert name in ("ElevesSansAdresses.xml", "ElevesAvecAdresses.xml")
        assert name.removesuffix(".xml") in path.name
        return archive.read(name)


@pytest.fixture(scope="module")
def trees(region: Region) -> dict[str, etree._Element]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return {
        uai: etree.fromstring(xml_of(path), parser)
        for uai, path in region.rolls.items()
        if path.suffix != ".csv"
    }


def csv_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8-sig").splitlines(), delimiter=";"))


def test_each_school_has_one_roll_in_one_of_the_forms_that_exist(region: Region) -> None:
    forms = Counter(re.sub(r"_\d{7}[A-Z]", "", path.name) for path in region.rolls.values())
    assert region.rolls.keys() == {school.uai for school in region.schools}
    assert all(uai in path.name for uai, path in region.rolls.items())
    assert forms.keys() == {
        "ExportXML_ElevesSansAdresses.zip",
        "ExportXML_ElevesAvecAdresses.zip",
        "ElevesSansAdresses.xml",
        "ElevesAvecAdresses.xml",
        "FREGATA.csv",
    }
    assert forms["FREGATA.csv"] == 2
    assert forms["ExportXML_ElevesSansAdresses.zip"] > 30


def test_every_xml_is_version_2_1_in_iso_8859_15_for_its_own_school(
    region: Region, trees: dict[str, etree._Element]
) -> None:
    assert len(trees) == 58
    for uai, root in trees.items():
        assert xml_of(region.rolls[uai]).startswith(b'<?xml version="1.0" encoding="ISO-8859-15"?>')
        assert root.getroottree().docinfo.encoding == "ISO-8859-15"
        assert root.tag == "BEE_ELEVES" and root.get("VERSION") == "2.1"
        assert root.findtext("PARAMETRES/UAJ") == uai
        assert root.findtext("PARAMETRES/ANNEE_SCOLAIRE") == "2026"


def test_two_thousand_students_are_spread_over_the_schools_as_the_directory_says(
    region: Region, trees: dict[str, etree._Element]
) -> None:
    counts = {uai: len(root.findall("DONNEES/ELEVES/ELEVE")) for uai, root in trees.items()}
    for uai, path in region.rolls.items():
        if path.suffix == ".csv":
            counts[uai] = len(csv_rows(path))
    with region.schools_file.open(encoding="utf-8", newline="") as file:
        declared = {
            row["Identifiant_de_l_etablissement"]: int(row["Nombre_d_eleves"])
            for row in csv.DictReader(file, delimiter=";")
        }
    assert counts == declared
    assert sum(counts.values()) == 2000


def test_national_numbers_are_well_formed_distinct_and_nobodys(
    region: Region, trees: dict[str, etree._Element]
) -> None:
    numbers = [
        node.text or "" for root in trees.values() for node in root.iterfind(".//ID_NATIONAL")
    ]
    for path in region.rolls.values():
        if path.suffix == ".csv":
            numbers += [row["Identifiant unique*"] for row in csv_rows(path)]
    assert all(RNIE.match(number) and number.startswith("00000") for number in numbers)
    assert len(set(numbers)) == len(numbers)
    assert 1960 <= len(numbers) < 2000


def test_a_few_have_left_and_a_few_have_no_number_yet(trees: dict[str, etree._Element]) -> None:
    students = [node for root in trees.values() for node in root.iterfind("DONNEES/ELEVES/ELEVE")]
    left = [
        node.findtext("DATE_SORTIE") for node in students if node.find("DATE_SORTIE") is not None
    ]
    assert 5 <= len(left) <= 40
    for text in left:
        day = datetime.strptime(text or "", "%d/%m/%Y").date()
        assert date(2026, 9, 1) < day < date(2026, 9, 15)
    assert 5 <= sum(node.find("ID_NATIONAL") is None for node in students) <= 40
    assert 20 <= sum(node.findtext("CODE_STATUT") == "AP" for node in students) <= 150
    assert {node.findtext("CODE_STATUT") for node in students} == {"AP", "ST"}


def test_every_student_has_a_division_and_matching_identifiers(
    trees: dict[str, etree._Element],
) -> None:
    for root in trees.values():
        students = root.findall("DONNEES/ELEVES/ELEVE")
        divisions = {
            node.get("ELEVE_ID"): [
                structure.findtext("CODE_STRUCTURE")
                for structure in node.iterfind("STRUCTURE")
                if structure.findtext("TYPE_STRUCTURE") == "D"
            ]
            for node in root.iterfind("DONNEES/STRUCTURES/STRUCTURES_ELEVE")
        }
        assert [len(divisions[node.get("ELEVE_ID")]) for node in students] == [1] * len(students)
        assert len({node.get("ELENOET") for node in students}) == len(students)
        assert all(node.get("ELENOET") == node.findtext("ELENOET") for node in students)


def test_addresses_are_there_exactly_in_the_files_that_say_so(
    region: Region, trees: dict[str, etree._Element]
) -> None:
    for uai, root in trees.items():
        known = {node.get("ADRESSE_ID") for node in root.iterfind("DONNEES/ADRESSES/ADRESSE")}
        used = {node.text for node in root.iterfind("DONNEES/ELEVES/ELEVE/ADRESSE_ID")}
        assert used == known
        assert bool(known) == ("AvecAdresses" in region.rolls[uai].name)


def test_tracks_are_real_codes_of_the_national_nomenclature(
    region: Region, trees: dict[str, etree._Element], real_data: Path
) -> None:
    with next(real_data.glob("**/mef_ouverts.csv")).open(encoding="utf-8-sig", newline="") as file:
        nomenclature = {row["code_mef"]: row for row in csv.DictReader(file, delimiter=";")}
    used = {node.text for root in trees.values() for node in root.iterfind(".//CODE_MEF")}
    for path in region.rolls.values():
        if path.suffix == ".csv":
            used |= {row["Code MEF*"] for row in csv_rows(path)}
    assert used <= nomenclature.keys()
    grades = {"2": "seconde", "1": "premiere", "P": "premiere", "T": "terminale"}
    for student in region.students:
        label = nomenclature[student.mef]["libelle_long"]
        expected = f"cap{label[0]}" if "CAP" in label.split()[0] else grades[label[0]]
        assert student.grade == expected
    kinds = {nomenclature[code or ""]["dispositif"] for code in used}
    assert {"200", "201", "202", "211", "212", "241", "247"} <= kinds


def test_ages_fit_the_grades(region: Region) -> None:
    gaps = Counter(
        2026 - student.birth_date.year - AGES[student.grade] for student in region.students
    )
    assert gaps.keys() <= {-1, 0, 1, 2}
    assert gaps[0] > 0.75 * len(region.students)
    assert gaps[1] > 50


def test_birth_places_are_communes_with_their_department(
    trees: dict[str, etree._Element],
) -> None:
    known = {place.code_insee for place in communes()}
    for root in trees.values():
        for node in root.iterfind("DONNEES/ELEVES/ELEVE"):
            commune = node.findtext("CODE_COMMUNE_INSEE_NAISS") or ""
            assert commune in known
            assert node.findtext("CODE_DEPARTEMENT_NAISS") == "0" + commune[:2]


def test_names_use_letters_that_latin_1_has_not(trees: dict[str, etree._Element]) -> None:
    names = [
        node.text or "" for root in trees.values() for node in root.iterfind(".//NOM_DE_FAMILLE")
    ]
    assert any("Œ" in name for name in names)
    assert all(name == name.upper() for name in names)


def test_agricultural_schools_export_the_columns_of_fregata(region: Region) -> None:
    rolls = [path for path in region.rolls.values() if path.suffix == ".csv"]
    for path in rolls:
        raw = path.read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf")
        assert raw.decode("utf-8-sig").splitlines()[0] == FREGATA_HEADER
        rows = csv_rows(path)
        assert {row["Code sexe*"] for row in rows} == {"F", "M"}
        assert {row["Statut*"] for row in rows} <= {"ST", "AP"}
        assert all(row["Code MEF*"][:3] in {"200", "213", "214", "271", "276"} for row in rows)
        mandatory = [column for column in rows[0] if column.endswith("*")]
        assert all(row[column] for row in rows for column in mandatory)
    assert len(rolls) == 2


def test_a_fregata_line_without_a_national_number_is_refused(region: Region) -> None:
    without: Student = next(student for student in region.students if student.ine is None)
    with pytest.raises(ValueError):
        fregata_csv([without])
