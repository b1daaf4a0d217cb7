"""The shops' file, judged by stdnum, schwifty and the official lists."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from schwifty import BIC, IBAN
from stdnum.fr import siret

from sesame.demo.region.generate import Region

CATEGORIES = {"textbooks", "books", "comics", "cinema", "live_shows", "sports"}


@pytest.fixture(scope="module")
def rows(region: Region) -> list[dict[str, str]]:
    text = region.shops_file.read_bytes().decode("utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter=";"))


def test_the_header_is_the_agreed_one(region: Region) -> None:
    assert region.shops_file.read_text(encoding="utf-8").splitlines()[0] == (
        "siret;name;legal_form;naf;address_line;postal_code;town;insee;latitude;longitude;"
        "categories;iban;bic;holder;email;phone"
    )


def test_there_are_forty_shops_of_every_kind(rows: list[dict[str, str]]) -> None:
    assert len(rows) == 40
    kinds = Counter(row["naf"] for row in rows)
    assert kinds == {"47.61Z": 23, "59.14Z": 11, "90.04Z": 1, "47.64Z": 5}
    assert {c for row in rows for c in row["categories"].split(",")} == CATEGORIES
    assert all(row[column] for row in rows for column in row)


def test_sirets_are_valid_distinct_and_nobodys(rows: list[dict[str, str]]) -> None:
    numbers = [row["siret"] for row in rows]
    assert all(siret.is_valid(number) for number in numbers)
    assert all(number.startswith("0001") for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_accounts_have_right_keys_at_a_bank_that_does_not_exist(
    rows: list[dict[str, str]], real_data: Path
) -> None:
    banks = json.loads(next(real_data.glob("**/banques_fr.json")).read_text(encoding="utf-8"))
    codes = {bank["bank_code"] for bank in banks}
    bics = {bank["bic"] for bank in banks}
    for row in rows:
        iban = IBAN(row["iban"], validate_bban=True)
        assert iban.country_code == "FR"
        assert iban.bank_code not in codes
        assert BIC(row["bic"]).type == "testing"
        assert row["bic"] not in bics
    assert len({row["iban"] for row in rows}) == len(rows)


def test_addresses_are_structured_and_in_real_communes(
    rows: list[dict[str, str]], real_data: Path
) -> None:
    with next(real_data.glob("**/communes_ara.csv")).open(encoding="utf-8", newline="") as file:
        real = {row["code_insee"]: row for row in csv.DictReader(file, delimiter=";")}
    for row in rows:
        commune = real[row["insee"]]
        assert row["town"] == commune["nom"]
        assert row["postal_code"] in commune["codes_postaux"].split()
        assert abs(float(row["latitude"]) - float(commune["latitude"])) < 0.01


def test_nobody_real_can_be_called_or_written_to(rows: list[dict[str, str]]) -> None:
    assert all(row["email"].endswith(".example") for row in rows)
    assert all(row["phone"].startswith("04 65 71 ") for row in rows)
    assert len({row["email"] for row in rows}) == len({row["phone"] for row in rows}) == len(rows)


def test_activity_codes_are_those_of_the_national_nomenclature(
    rows: list[dict[str, str]], real_data: Path
) -> None:
    with next(real_data.glob("**/naf_rev2.csv")).open(encoding="utf-8", newline="") as file:
        known = {row["code"] for row in csv.DictReader(file, delimiter=";")}
    assert {row["naf"] for row in rows} <= known


def test_every_department_has_a_bookshop_and_a_cinema(rows: list[dict[str, str]]) -> None:
    for category in ("textbooks", "cinema"):
        there = {row["insee"][:2] for row in rows if category in row["categories"].split(",")}
        assert there == {"03", "15", "42", "43", "63"}
