"""The command line: a big answer for a person, JSON for a program, an exit status for a script."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reader_agent import cli
from reader_agent.enrolment import load_enrolment
from reader_agent.sale import Till

Run = Callable[..., Result]


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `sesame-reader` with its folder set and without pauses between tries."""
    monkeypatch.setattr(cli, "Till", partial(Till, pause=lambda _: None))

    def invoke(*arguments: str, stdin: str | None = None) -> Result:
        environment = {"SESAME_READER_HOME": str(home)}
        result = CliRunner().invoke(cli.main, arguments, input=stdin, env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def enrolled(run: Run, card_server: Any, code: str) -> None:
    assert run("enrol", "--server", card_server.url, "--code", code).exit_code == 0


@pytest.mark.parametrize("command", [(), ("enrol",), ("sale",), ("run",), ("check",)])
def test_every_command_has_help_with_an_example(command: tuple[str, ...], run: Run) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Example: sesame-reader" in result.output


def test_enrolling_names_the_place(run: Run, card_server: Any, code: str, home: Path) -> None:
    result = run("enrol", "--server", card_server.url, "--code", code)
    assert result.output == "Poste enregistré : Librairie des Épreuves, Les Épreuves SARL.\n"
    result = run("enrol", "--server", card_server.url, "--code", code, "--replace", "--json")
    assert json.loads(result.output) == {
        "terminal_id": str(load_enrolment(home).terminal_id),
        "site": "Librairie des Épreuves",
        "merchant": "Les Épreuves SARL",
    }


def test_a_failed_enrolment_says_why_and_exits_1(run: Run, card_server: Any) -> None:
    result = run("enrol", "--server", card_server.url, "--code", "WRONG")
    assert result.exit_code == 1
    assert "Ce code n'existe pas." in result.output
    assert "Code : enrolment_code_unknown" in result.output


@pytest.mark.usefixtures("enrolled")
def test_an_approved_sale_fills_the_screen(run: Run, show_qr: Callable[..., str]) -> None:
    result = run("sale", "--amount", "12,40", "--qr", show_qr())
    assert result.exit_code == 0
    assert "OK  ACCEPTÉ\n" in result.output
    assert "LA CARTE PAIE 12,40\u00a0€" in result.output
    assert "RESTE" not in result.output
    assert "Autorisation 7Q4-K2M" in result.output


@pytest.mark.usefixtures("enrolled")
def test_a_partly_approved_sale_shows_what_to_collect_as_large(
    run: Run, card_server: Any, show_qr: Callable[..., str]
) -> None:
    card_server.left_cents = 1000
    result = run("sale", "--amount", "12.40", "--accept-partial", stdin=show_qr() + "\r\n")
    assert result.exit_code == 0
    assert "ACCEPTÉ EN PARTIE" in result.output
    assert "LA CARTE PAIE 10,00\u00a0€" in result.output
    assert "RESTE À ENCAISSER 2,40\u00a0€" in result.output
    assert "Le solde ne suffit pas.  (balance_insufficient)" in result.output


@pytest.mark.usefixtures("enrolled")
def test_a_refused_sale_exits_3_with_the_cashiers_sentence(
    run: Run, card_server: Any, show_qr: Callable[..., str]
) -> None:
    card_server.left_cents = 0
    result = run("sale", "--amount", "12.40", "--lang", "en", "--qr", show_qr())
    assert result.exit_code == 3
    assert "X  REFUSED\n" in result.output
    assert "STILL TO COLLECT €12.40" in result.output
    assert "The balance is too low." in result.output
    assert "Authorisation" not in result.output


@pytest.mark.usefixtures("enrolled")
def test_a_sale_in_json_is_the_servers_answer(
    run: Run, card_server: Any, show_qr: Callable[..., str]
) -> None:
    result = run("sale", "--amount", "5", "--category", "cinema", "--json", "--qr", show_qr())
    [(key, booked)] = card_server.booked.items()
    assert json.loads(result.output) == booked | {"idempotency_key": key, "to_collect_cents": 0}
    assert card_server.received[0]["lines"][0]["category"] == "cinema"


@pytest.mark.usefixtures("enrolled")
def test_an_unknown_answer_is_said_and_checked_later(
    run: Run, card_server: Any, show_qr: Callable[..., str]
) -> None:
    card_server.faults = ["cut after"] * 3
    card_server.look_up_faults = ["cut before"] * 2
    result = run("sale", "--amount", "12,40", "--qr", show_qr())
    assert result.exit_code == 4
    assert "RÉPONSE INCONNUE, ON VÉRIFIE" in result.output
    assert "Ne refaites pas la vente." in result.output
    assert "erreur" not in result.output.lower()

    result = run("check")
    assert result.exit_code == 0
    assert "accepté" in result.output

    card_server.faults = ["cut after"] * 3
    card_server.look_up_faults = ["cut before"] * 2
    result = run("sale", "--amount", "12,40", "--json", "--qr", show_qr())
    assert result.exit_code == 4
    answer = json.loads(result.output)
    assert answer.keys() == {"outcome", "idempotency_key"}
    assert answer["outcome"] == "unknown"


@pytest.mark.usefixtures("enrolled")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--amount", "0", "--qr", "SES1:X"), "amount_not_positive"),
        (("--amount", "-3", "--qr", "SES1:X"), "amount_not_positive"),
        (("--amount", "1,999", "--qr", "SES1:X"), "amount_fraction_of_cent"),
        (("--amount", "99999999", "--qr", "SES1:X"), "amount_too_large"),
        (("--amount", "douze", "--qr", "SES1:X"), "amount_malformed"),
        (("--amount", "12", "--qr", "SES1:X"), "qr_malformed"),
        (("--amount", "12"), "nothing_presented"),
    ],
)
def test_a_bad_sale_exits_1_with_a_code_and_a_sentence_and_sends_nothing(
    arguments: tuple[str, ...], expected: str, run: Run, card_server: Any
) -> None:
    result = run("sale", *arguments, stdin="\n")
    assert result.exit_code == 1
    assert "VENTE NON FAITE" in result.output
    assert f"Code : {expected}" in result.output
    result = run("sale", *arguments, "--json", stdin="\n")
    answer = json.loads(result.output)
    assert (answer["outcome"], answer["code"]) == ("not_done", expected)
    assert answer["sentence"] != expected
    assert card_server.received == []


def test_a_sale_on_a_computer_that_is_not_enrolled_says_so(run: Run) -> None:
    result = run("sale", "--amount", "12,40", "--qr", "SES1:X")
    assert result.exit_code == 1
    assert "Code : not_enrolled" in result.output


def test_check_exits_1_when_something_is_wrong(run: Run) -> None:
    result = run("check", "--json", "--lang", "en")
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "ok": False,
        "findings": [
            {
                "code": "not_enrolled",
                "is_wrong": True,
                "sentence": 'This computer is not enrolled. Run "sesame-reader enrol" with the '
                "code you received.",
            }
        ],
    }


def test_run_needs_an_enrolment(run: Run) -> None:
    result = run("run", "--simulated", "--port", "0")
    assert result.exit_code == 1
    assert "Code : not_enrolled" in result.output


@pytest.mark.usefixtures("enrolled")
def test_run_says_when_its_port_is_taken(run: Run, card_server: Any) -> None:
    port = card_server.url.rsplit(":", 1)[1]
    result = run("run", "--simulated", "--port", port)
    assert result.exit_code == 1
    assert f"Le port {port} est déjà pris." in result.output
