"""`check` says in words what keeps a shop from selling."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reader_agent.checkup import check_up, settle_pending
from reader_agent.enrolment import enrol, load_enrolment
from reader_agent.pending import PendingSale
from reader_agent.refusals import AnswerUnknown
from reader_agent.sale import Line, Till


def codes(home: Path) -> list[tuple[str, bool]]:
    return [(finding.code, finding.is_wrong) for finding in check_up(home, "fr")]


def test_a_terminal_that_can_sell_is_said_to_be_well(
    card_server: Any, home: Path, code: str
) -> None:
    enrol(home, card_server.url, code)
    assert codes(home) == [("all_well", False)]
    [finding] = check_up(home, "fr")
    assert finding.sentence == "Tout va bien : Librairie des Épreuves peut encaisser."


def test_a_terminal_that_was_never_enrolled_is_told_how(home: Path) -> None:
    assert codes(home) == [("not_enrolled", True)]


@pytest.mark.parametrize("kept", [b"{", b"\xff", b"[]"])
def test_a_damaged_enrolment_is_told_what_to_do(kept: bytes, home: Path) -> None:
    home.mkdir()
    (home / "enrolment.json").write_bytes(kept)
    assert codes(home) == [("enrolment_unreadable", True)]


def test_a_server_that_does_not_answer_is_named(card_server: Any, home: Path, code: str) -> None:
    enrol(home, card_server.url, code)
    card_server.look_up_faults = ["cut before"]
    assert codes(home) == [("server_unreachable", True)]


@pytest.mark.parametrize(
    ("ahead_seconds", "code_found", "words"),
    [
        (60, "clock_slow", "retarde de"),
        (-60, "clock_fast", "avance de"),
    ],
)
def test_a_wrong_clock_is_told_by_how_much(
    ahead_seconds: int, code_found: str, words: str, card_server: Any, home: Path, code: str
) -> None:
    enrol(home, card_server.url, code)
    card_server.clock_ahead = timedelta(seconds=ahead_seconds)
    [finding] = check_up(home, "fr")
    assert (finding.code, finding.is_wrong) == (code_found, True)
    # The server's date has whole seconds only.
    assert any(f"{words} {seconds} s" in finding.sentence for seconds in (59, 60, 61))


@pytest.mark.parametrize(
    ("own_state", "expected"),
    [
        ({"state": "suspended", "convention": {"state": "active"}}, "terminal_suspended"),
        ({"state": "revoked", "convention": {"state": "active"}}, "terminal_revoked"),
        ({"state": "resting", "convention": {"state": "active"}}, "terminal_not_active"),
        ({"state": "active", "convention": {"state": "suspended"}}, "convention_not_active"),
        ({"state": "active", "convention": None}, "convention_not_active"),
        ({"mood": "good"}, "server_not_sesame"),
    ],
)
def test_a_terminal_that_may_not_sell_is_told_why(
    own_state: dict[str, Any], expected: str, card_server: Any, home: Path, code: str
) -> None:
    enrol(home, card_server.url, code)
    card_server.own_state = own_state
    [finding] = check_up(home, "fr")
    assert (finding.code, finding.is_wrong) == (expected, True)
    assert finding.sentence != expected


def test_a_terminal_that_the_server_does_not_know_is_told_its_code(
    card_server: Any, home: Path, code: str
) -> None:
    enrol(home, card_server.url, code)
    card_server.keys.clear()
    [finding] = check_up(home, "en")
    assert finding.code == "terminal_refused"
    assert "request_signature_invalid" in finding.sentence


def test_a_server_that_is_not_the_right_one_is_noticed(
    card_server: Any, home: Path, code: str
) -> None:
    enrol(home, card_server.url, code)
    card_server.look_up_faults = ["html"]
    assert codes(home) == [("server_not_sesame", True)]


def test_pending_sales_are_settled_and_told(
    card_server: Any, home: Path, code: str, show_qr: Callable[..., str]
) -> None:
    enrol(home, card_server.url, code)
    till = Till(home, load_enrolment(home), pause=lambda _: None)
    card_server.faults = ["cut after"] * 3
    card_server.look_up_faults = ["cut before"] * 2
    with pytest.raises(AnswerUnknown):
        till.sell(show_qr(), [Line("books", 1240)], accept_partial=False)
    now = datetime.now(UTC)
    for key, age in (("0" * 32, timedelta(minutes=4)), ("1" * 32, timedelta(seconds=1))):
        till.pending.keep(PendingSale(key, 500, now - age))

    findings = check_up(home, "fr")

    told = {finding.code: finding for finding in findings}
    assert len(findings) == 4
    assert told["pending_decided"].sentence.startswith("Vente de 12,40\u00a0€ du ")
    assert told["pending_decided"].sentence.endswith(" : accepté.")
    assert "vous pouvez la refaire" in told["pending_not_booked"].sentence
    assert told["pending_unknown"].is_wrong
    assert [sale.idempotency_key for sale in till.pending.all()] == ["1" * 32]
    assert [finding.code for finding in settle_pending(till, "fr")] == ["pending_unknown"]
