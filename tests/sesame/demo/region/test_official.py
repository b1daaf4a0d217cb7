"""The demonstration on the official files of a real region."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from schwifty import IBAN
from stdnum.fr import siret

from sesame.demo.region.generate import Region, generate
from sesame.demo.region.official import OfficialFileMissing, OfficialFileUnreadable


def test_all_650_lines_are_covered_by_one_roll_of_twenty_students_a_school(
    official_region: Region, real_data: Path
) -> None:
    with next(real_data.glob("**/lycees_ara.csv")).open(encoding="utf-8", newline="") as file:
        real = [r["Identifiant_de_l_etablissement"] for r in csv.DictReader(file, delimiter=";")]
    assert len(real) == 650
    assert list(official_region.rolls) == list(dict.fromkeys(real))
    assert Counter(s.school_uai for s in official_region.students) == dict.fromkeys(real, 20)
    assert all(path.stat().st_size > 500 for path in official_region.rolls.values())


def test_the_directory_is_the_official_file_itself(
    official_region: Region, real_data: Path
) -> None:
    official = next(real_data.glob("**/lycees_ara.csv"))
    assert official_region.schools_file.read_bytes() == official.read_bytes()


def test_agricultural_schools_send_fregata_and_others_siecle(
    official_region: Region, real_data: Path
) -> None:
    with next(real_data.glob("**/lycees_ara.csv")).open(encoding="utf-8", newline="") as file:
        agricultural = {
            row["Identifiant_de_l_etablissement"]
            for row in csv.DictReader(file, delimiter=";")
            if row["Lycee_Agricole"] == "1" or row["code_nature"] == "307"
        }
    csvs = {uai for uai, path in official_region.rolls.items() if path.suffix == ".csv"}
    assert csvs == agricultural


def test_all_324_cinemas_become_shops_that_can_be_paid_nowhere(
    official_region: Region, real_data: Path
) -> None:
    with next(real_data.glob("**/cinemas_ara.csv")).open(encoding="utf-8", newline="") as file:
        real = list(csv.DictReader(file, delimiter=";"))
    with official_region.shops_file.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    cinemas = [row for row in rows if row["categories"] == "cinema"]
    assert [row["name"] for row in cinemas] == [row["nom"] for row in real]
    assert [row["insee"] for row in cinemas] == [row["code INSEE"] for row in real]
    assert len(cinemas) == 324
    assert len(rows) == 324 + 29
    assert all(siret.is_valid(row["siret"]) and row["siret"][:3] == "000" for row in rows)
    assert all(IBAN(row["iban"], validate_bban=True).bank_code == "99001" for row in rows)
    for column in ("siret", "iban", "email", "phone"):
        assert len({row[column] for row in rows}) == len(rows)


def test_every_cinema_has_a_postal_code_of_its_department(official_region: Region) -> None:
    cinemas = [shop for shop in official_region.shops if shop.categories == "cinema"]
    astray = [shop for shop in cinemas if shop.postal_code[:2] != shop.insee[:2]]
    # A postal code may cross the border of a département for a commune or two.
    assert len(astray) <= 2
    merged = next(shop for shop in cinemas if shop.insee == "69152")
    assert merged.postal_code.startswith("69")


def test_a_folder_without_the_official_files_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(OfficialFileMissing) as refusal:
        generate(tmp_path / "out", data=tmp_path)
    assert refusal.value.name == "communes_ara.csv"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"a;b\n1;2\n", b"\xe9\xe8;\xff\n"])
def test_a_file_that_is_another_table_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "communes_ara.csv").write_bytes(content)
    with pytest.raises(OfficialFileUnreadable) as refusal:
        generate(tmp_path / "out", data=tmp_path)
    assert refusal.value.name == "communes_ara.csv"
    assert not (tmp_path / "out").exists()
