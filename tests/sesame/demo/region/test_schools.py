"""The directory of schools, read back as an importer would."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from stdnum.fr import siret

from sesame.demo.region.communes import communes
from sesame.demo.region.generate import Region

UAI_ALPHABET = "ABCDEFGHJKLMNPRSTUVWXYZ"


@pytest.fixture(scope="module")
def rows(region: Region) -> list[dict[str, str]]:
    text = region.schools_file.read_bytes().decode("utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter=";"))


def test_there_are_sixty_schools_with_distinct_codes_and_names(rows: list[dict[str, str]]) -> None:
    assert len(rows) == 60
    assert len({row["Identifiant_de_l_etablissement"] for row in rows}) == 60
    assert len({row["Nom_etablissement"] for row in rows}) == 60


def test_every_school_code_has_its_key_and_its_department(rows: list[dict[str, str]]) -> None:
    for row in rows:
        code = row["Identifiant_de_l_etablissement"]
        assert UAI_ALPHABET[int(code[:7]) % 23] == code[7]
        assert code[:3] == row["Code_departement"]


def test_the_columns_are_those_of_the_official_file(region: Region, real_data: Path) -> None:
    official = next(real_data.glob("**/lycees_ara.csv"))
    with official.open(encoding="utf-8") as file:
        assert region.schools_file.read_text(encoding="utf-8").splitlines()[0] == (
            file.readline().rstrip("\r\n")
        )


def test_values_are_among_those_that_the_official_file_uses(
    rows: list[dict[str, str]], real_data: Path
) -> None:
    official = next(real_data.glob("**/lycees_ara.csv"))
    with official.open(encoding="utf-8", newline="") as file:
        real = list(csv.DictReader(file, delimiter=";"))
    for columns in (
        ("Type_etablissement", "etat"),
        ("code_nature", "libelle_nature"),
        ("Statut_public_prive",),
        ("Type_contrat_prive", "Code_type_contrat_prive"),
        ("Code_academie", "Libelle_academie", "Code_departement", "Libelle_departement"),
        ("ministere_tutelle",),
    ):
        known = {tuple(row[column] for column in columns) for row in real}
        assert {tuple(row[column] for column in columns) for row in rows} <= known


def test_no_invented_school_takes_a_real_code_or_name(
    rows: list[dict[str, str]], real_data: Path
) -> None:
    official = next(real_data.glob("**/lycees_ara.csv"))
    with official.open(encoding="utf-8", newline="") as file:
        real = list(csv.DictReader(file, delimiter=";"))
    for column in ("Identifiant_de_l_etablissement", "Nom_etablissement", "SIREN_SIRET"):
        assert not {row[column] for row in rows} & {row[column] for row in real}


def test_schools_stand_in_real_communes_with_their_codes(
    rows: list[dict[str, str]], real_data: Path
) -> None:
    with next(real_data.glob("**/communes_ara.csv")).open(encoding="utf-8", newline="") as file:
        real = {row["code_insee"]: row for row in csv.DictReader(file, delimiter=";")}
    for row in rows:
        commune = real[row["Code_commune"]]
        assert row["Nom_commune"] == commune["nom"]
        assert row["Code_postal"] in commune["codes_postaux"].split()
        assert abs(float(row["latitude"]) - float(commune["latitude"])) < 0.01
        assert abs(float(row["longitude"]) - float(commune["longitude"])) < 0.02


def test_forty_communes_of_five_departments_all_have_a_school(rows: list[dict[str, str]]) -> None:
    assert {row["Code_commune"] for row in rows} == {place.code_insee for place in communes()}
    assert len(communes()) == 40
    assert Counter(place.department for place in communes()).keys() == {
        "03",
        "15",
        "42",
        "43",
        "63",
    }


def test_every_school_has_an_invented_siret_with_valid_keys(rows: list[dict[str, str]]) -> None:
    assert all(siret.is_valid(row["SIREN_SIRET"]) for row in rows)
    assert all(row["SIREN_SIRET"].startswith("000") for row in rows)
