"""The commands, as whoever types them sees them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cardsvc.programmes.commands import envelope, funder, programme
from cardsvc.programmes.reasons import BeneficiaryUnknown, PublisherUnknown
from sesame.platform.command import process
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity

EXAMPLE = Path(__file__).resolve().parents[3] / "programmes" / "exemple-manuels.yaml"


@pytest.fixture
def run(region, settings, monkeypatch):
    """Return a function that runs a command of this test's installation."""
    monkeypatch.setenv("SESAME_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("SESAME_DATABASE_URL", str(settings.database_url))
    process.cache_clear()

    def invoke(group, *arguments, given=None):
        return CliRunner().invoke(group, [str(each) for each in arguments], input=given)

    yield invoke
    process().database.dispose()
    process.cache_clear()


def answer(result):
    assert result.exception is None, result.output
    return json.loads(result.stdout)


@pytest.fixture
def funded(run, region):
    """The example's funder and money, by the commands that the documentation shows."""
    answer(
        run(
            funder, "add", "--code", "region", "--name", "Région Val-d'Ambre",
            "--siren", "732829320", "--iban", "FR7630006000011234567890189",
            "--bic", "AGRIFRPPXXX", "--street", "1 place de l'Ambre",
            "--postal-code", "99000", "--town", "Ambreville", "--json",
        )
    )  # fmt: skip
    arguments = [
        "fund", "--funder", "region", "--programme", "exemple-manuels",
        "--amount", "140000.00", "--key", "budget-2026", "--json",
    ]  # fmt: skip
    assert answer(run(envelope, *arguments))["balance_cents"] == 14_000_000
    assert answer(run(envelope, *arguments))["balance_cents"] == 14_000_000
    return region


def test_the_schema_is_printed_as_it_is_published(run):
    schema = json.loads(run(programme, "schema").stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_right_file_is_said_to_be_right(run):
    result = run(programme, "check", EXAMPLE)
    assert result.exit_code == 0
    assert "rien à redire" in result.stdout
    assert answer(run(programme, "check", EXAMPLE, "--json"))["problems"] == []


@pytest.mark.parametrize("command", ["check", "dry-run", "publish"])
def test_a_wrong_file_is_refused_with_line_path_and_code(run, region, tmp_path, command):
    wrong = tmp_path / "faux.yaml"
    wrong.write_text(EXAMPLE.read_text("utf-8").replace("unit_price", "unit_prise"), "utf-8")
    result = run(programme, command, wrong)
    assert result.exit_code == 1
    assert "faux.yaml:37: lines[0].caps.unit_prise:" in result.output
    assert "[field_unknown]" in result.output
    as_json = run(programme, command, wrong, "--json")
    assert as_json.exit_code == 1
    [problem] = json.loads(as_json.stdout)["problems"]
    assert (problem["code"], problem["line"]) == ("field_unknown", 37)
    assert region.one("SELECT count(*) FROM cardsvc.programme") == 0


def test_dry_run_then_publish_then_again(run, funded):
    funded.people(2, status="lyceen", grade="premiere", department="69")
    tried = answer(run(programme, "dry-run", EXAMPLE, "--on", "2026-11-24", "--json"))
    assert (tried["people"], tried["total_cents"]) == (2, 14_000)
    assert tried["envelopes"] == [
        {"funder": "region", "needed_cents": 14_000, "available_cents": 14_000_000}
    ]
    told = run(programme, "dry-run", EXAMPLE, "--on", "2026-11-24").stdout
    assert "2 personnes" in told
    assert "premiere" in told
    done = answer(run(programme, "publish", EXAMPLE, "--json"))
    assert (done["version"], done["unchanged"]) == (1, False)
    assert done["grants"] == [{"line": "manuels", "people": 2, "total_cents": 14_000}]
    again = run(programme, "publish", EXAMPLE)
    assert "rien n'a changé" in again.stdout
    [held] = answer(run(envelope, "list", "--json"))
    assert (held["funder"], held["paying"], held["balance_cents"]) == ("region", True, 13_986_000)
    [known] = answer(run(funder, "list", "--json"))
    assert known["code"] == "region"


def test_one_person_is_told_why_by_id_or_by_an_ine_that_never_shows(run, funded):
    person = funded.person(status="lyceen", grade="seconde")
    ine = funded.one("SELECT ine FROM cardsvc.beneficiary WHERE id = %s", person)
    by_id = run(programme, "dry-run", EXAMPLE, "--beneficiary-id", person)
    assert "non : tu es en seconde ; ce dispositif est pour première et terminale" in by_id.stdout
    by_ine = run(programme, "dry-run", EXAMPLE, "--ine-from-stdin", "--json", given=f"{ine}\n")
    [line] = json.loads(by_ine.stdout)
    assert (line["line"], line["eligible"]) == ("manuels", False)
    assert ine not in by_ine.output
    nobody = run(programme, "dry-run", EXAMPLE, "--ine-from-stdin", given="123456789ZZ\n")
    assert isinstance(nobody.exception, BeneficiaryUnknown)
    assert "123456789ZZ" not in nobody.output + str(nobody.exception)


def test_an_officer_publishes_in_their_own_name(run, funded, database, at):
    with unit_of_work(database) as session:
        officer = create_identity(
            session, role="officer", login="claire", password="x" * 12, display_name="C.", at=at
        )
    nobody = run(programme, "publish", EXAMPLE, "--as", "paul")
    assert isinstance(nobody.exception, PublisherUnknown)
    answer(run(programme, "publish", EXAMPLE, "--as", "claire", "--json"))
    assert funded.one("SELECT published_by FROM cardsvc.programme_publication") == officer


@pytest.mark.parametrize("group", [programme, funder, envelope])
def test_every_command_shows_an_example(group):
    for name, command in group.commands.items():
        told = CliRunner().invoke(group, [name, "--help"]).output
        assert f"Example: sesame {group.name} {name}" in " ".join(told.split()), command
