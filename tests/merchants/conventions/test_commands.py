"""`sesame merchant import`, `sesame merchant list` and `sesame convention …`."""

import csv
import json

import psycopg
import pytest

from merchants.conventions.commands import convention
from merchants.directory.commands import merchant
from sesame.demo.region.communes import communes
from sesame.demo.region.shops import invent_shops, write_shops


@pytest.fixture
def merchants_csv(tmp_path):
    """The forty shops of the invented region, in their file."""
    path = tmp_path / "merchants.csv"
    write_shops(path, invent_shops(7, communes()))
    return path


def _edit(path, line, **changed):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    rows[line - 2].update(changed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def _counts(test_database):
    tables = ("merchant", "site", "payee", "convention", "convention_version")
    with psycopg.connect(test_database.url()) as connection:
        return {
            name: connection.execute(f"SELECT count(*) FROM merchants.{name}").fetchone()[0]
            for name in tables
        }


def _states(test_database):
    with psycopg.connect(test_database.url()) as connection:
        rows = connection.execute(
            "SELECT DISTINCT ON (convention_id) to_state FROM merchants.convention_transition "
            "ORDER BY convention_id, number DESC"
        ).fetchall()
    return {row[0] for row in rows}


def test_the_invented_region_s_shops_come_in_active(run, test_database, merchants_csv):
    result = run(merchant, "import", str(merchants_csv), "--activate", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output) == {
        "merchants": 40,
        "sites": 40,
        "conventions": 40,
        "convention_state": "active",
    }
    assert set(_counts(test_database).values()) == {40}
    assert _states(test_database) == {"active"}


def test_without_activate_conventions_wait_in_draft(run, test_database, merchants_csv):
    assert run(merchant, "import", str(merchants_csv)).exit_code == 0
    assert _states(test_database) == {"draft"}


def test_one_wrong_line_keeps_all_out_and_is_told(run, test_database, merchants_csv):
    _edit(merchants_csv, 5, iban="FR1520041010050500013M02606", town="")
    result = run(merchant, "import", str(merchants_csv), "--json")
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert told["code"] == "merchant_file_refused"
    assert [(each["line"], each["field"], each["code"]) for each in told["errors"]] == [
        (5, "town", "field_missing"),
        (5, "iban", "iban_invalid"),
    ]
    assert set(_counts(test_database).values()) == {0}


def test_the_reasons_are_sentences_and_repeat_no_content(run, merchants_csv):
    _edit(merchants_csv, 9, iban="FR1520041010050500013M02606")
    result = run(merchant, "import", str(merchants_csv))
    assert "ligne 9, iban : Cet IBAN n'est pas valable" in result.stderr
    assert "05000" not in result.output + result.stderr


def test_the_same_file_again_changes_nothing_and_says_why(run, test_database, merchants_csv):
    run(merchant, "import", str(merchants_csv))
    result = run(merchant, "import", str(merchants_csv), "--json")
    assert result.exit_code == 1
    assert {each["code"] for each in json.loads(result.output)["errors"]} == {"site_exists"}
    assert set(_counts(test_database).values()) == {40}


def test_a_second_site_of_a_known_merchant_keeps_its_convention(run, test_database, merchants_csv):
    run(merchant, "import", str(merchants_csv), "--activate")
    lines = merchants_csv.read_text(encoding="utf-8").splitlines()
    siren = lines[1][:9]
    body = f"{siren}0002"
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    siret = body + str(-sum(value - 9 * (value > 9) for value in doubled) % 10)
    merchants_csv.write_text("\n".join([lines[0], siret + lines[1][14:]]), encoding="utf-8")
    result = run(merchant, "import", str(merchants_csv), "--json")
    assert json.loads(result.output)["conventions"] == 0
    counts = _counts(test_database)
    assert (counts["merchant"], counts["site"], counts["convention"]) == (40, 41, 40)


def test_the_list_gives_each_merchant_with_its_sites(run, merchants_csv):
    run(merchant, "import", str(merchants_csv))
    listed = json.loads(run(merchant, "list", "--json").output)
    with merchants_csv.open(encoding="utf-8", newline="") as file:
        written = {row["siret"]: row for row in csv.DictReader(file, delimiter=";")}
    assert len(listed) == 40
    for each in listed:
        (site,) = each["sites"]
        row = written[site["siret"]]
        assert each["siren"] == site["siret"][:9]
        assert (site["name"], site["town"]) == (row["name"], row["town"])
        assert sorted(row["categories"].split(",")) == site["categories"]


def test_a_convention_goes_through_its_states(run, test_database, add_shop):
    shop = add_shop(convention="draft")
    for command, state in [
        ("activate", "active"),
        ("suspend", "suspended"),
        ("resume", "active"),
        ("terminate", "terminated"),
    ]:
        result = run(convention, command, "--merchant", shop.siren, "--reason", "essai")
        assert result.exit_code == 0, result.output
        assert _states(test_database) == {state}


def test_a_refused_change_is_an_error_with_its_code(run, test_database, add_shop):
    shop = add_shop(convention="draft")
    result = run(convention, "suspend", "--merchant", shop.siren, "--reason", "essai")
    assert result.exception.code == "convention_transition_refused"
    assert run(convention, "suspend", "--merchant", "1", "--reason", "x").exception.code == (
        "siren_invalid"
    )
    unknown = run(convention, "suspend", "--merchant", "732829320", "--reason", "x")
    assert unknown.exception.code == "merchant_unknown"
    assert _states(test_database) == {"draft"}


@pytest.mark.parametrize("command", ["activate", "suspend", "resume", "terminate"])
def test_every_command_shows_an_example(run, command):
    assert f"sesame convention {command}" in run(convention, command, "--help").output
