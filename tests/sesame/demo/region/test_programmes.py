"""The region's programmes: what the product is told is what the plan counts on."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from schwifty import IBAN
from stdnum.fr import siren

from sesame.demo.region.catalogue import PRINTED, SEAT_CENTS
from sesame.demo.region.generate import Region, generate, school_year_of
from sesame.demo.region.purses import PURSES


def read(path: Path) -> dict[str, Any]:
    """The file, every value as text (as the product reads it)."""
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
    return content


@pytest.fixture(scope="module")
def files(region: Region) -> list[dict[str, Any]]:
    return [read(path) for path in region.programmes]


def test_there_are_three_programmes_with_the_purses_figures(files: list[dict[str, Any]]) -> None:
    assert [file["programme"] for file in files] == [purse.programme for purse in PURSES]
    for file, purse in zip(files, PURSES, strict=True):
        (line,) = file["lines"]
        euros, cents = line["amount"].split(".")
        assert int(euros) * 100 + int(cents) == purse.cents
        assert set(line["categories"]) == purse.categories
        assert {(f["funder"], int(f["share"])) for f in file["funders"]} == set(purse.shares)


def test_amounts_and_shares_are_those_that_were_asked_for(files: list[dict[str, Any]]) -> None:
    assert [file["lines"][0]["amount"] for file in files] == ["70.00", "20.00", "25.00"]
    assert files[2]["funders"] == [
        {"funder": "region", "share": "60"},
        {"funder": "departement", "share": "40"},
    ]


def test_the_plan_and_the_file_agree_on_who_gets_it(files: list[dict[str, Any]]) -> None:
    assert files[0]["eligibility"] == {
        "all": [{"status": "lyceen"}, {"grade": ["premiere", "terminale"]}]
    }
    assert PURSES[0].grades == frozenset({"premiere", "terminale"})
    assert not PURSES[0].apprentices
    for file, purse in zip(files[1:], PURSES[1:], strict=True):
        assert file["eligibility"] == {"status": ["lyceen", "apprentice"]}
        assert purse.grades is None and purse.apprentices


def test_no_cap_stands_below_the_dearest_article(
    region: Region, files: list[dict[str, Any]]
) -> None:
    dearest = {category: 0 for purse in PURSES for category in purse.categories}
    for article in PRINTED:
        dearest[article.category] = max(dearest[article.category], article.unit_cents)
    dearest["cinema"] = max(SEAT_CENTS)
    for file in files:
        (line,) = file["lines"]
        assert line["caps"].keys() == {"unit_price"}
        cap = int(line["caps"]["unit_price"].replace(".", ""))
        assert all(cap >= dearest[category] for category in line["categories"])


def test_the_season_follows_the_school_year(tmp_path: Path) -> None:
    later = generate(tmp_path, school_year=2031)
    for path in later.programmes:
        assert read(path)["season"] == {
            "name": "2031-2032",
            "from": "2031-09-01",
            "until": "2032-08-31",
            "grace_until": "2032-09-30",
        }
        assert not re.search(r"\b202\d\b", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2026, 9, 1), 2026),
        (date(2026, 12, 31), 2026),
        (date(2027, 1, 1), 2026),
        (date(2027, 8, 31), 2026),
        (date(2027, 9, 1), 2027),
    ],
)
def test_a_school_year_starts_in_september(day: date, year: int) -> None:
    assert school_year_of(day) == year


def test_budgets_cover_every_grant_and_not_much_more(region: Region) -> None:
    on_roll = [s for s in region.students if s.ine is not None and s.left_on is None]
    textbooks = [s for s in on_roll if s.grade in ("premiere", "terminale") and not s.apprentice]
    needed = {
        ("region", "manuels-lyceens"): 7000 * len(textbooks),
        ("region", "lecture-plaisir"): 2000 * len(on_roll),
        ("region", "cinema-jeunes"): 1500 * len(on_roll),
        ("departement", "cinema-jeunes"): 1000 * len(on_roll),
    }
    assert {(b.funder, b.programme) for b in region.budgets} == needed.keys()
    for budget in region.budgets:
        cents = needed[budget.funder, budget.programme]
        assert cents < budget.cents <= 1.1 * cents + 100_000


def test_funders_are_invented_and_their_keys_are_right(region: Region) -> None:
    assert [funder.code for funder in region.funders] == ["region", "departement"]
    for funder in region.funders:
        assert siren.is_valid(funder.siren)
        assert funder.siren.startswith("000")
        assert IBAN(funder.iban, validate_bban=True).bank_code == "99001"
