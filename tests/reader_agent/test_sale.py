"""A sale is decided by the server; a lost answer is looked for and never called an error."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cardsvc.credential.keys import IssuerKey
from reader_agent.enrolment import enrol, load_enrolment
from reader_agent.pending import PendingSale
from reader_agent.refusals import AgentRefused, AnswerUnknown
from reader_agent.sale import FINAL_AFTER, Line, NotBooked, Till

BOOK = Line("books", 1240, "9782070368228")


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def till(card_server: Any, home: Path, code: str, pauses: list[float]) -> Till:
    enrol(home, card_server.url, code)
    return Till(home, load_enrolment(home), pause=pauses.append)


def refused_code(till: Till, qr: str, lines: list[Line] | None = None, **options: Any) -> str:
    with pytest.raises(AgentRefused) as refusal:
        till.sell(qr, lines or [BOOK], accept_partial=False, **options)
    assert till.pending.all() == []
    return refusal.value.code


def test_an_approved_sale_says_exactly_what_was_asked(
    till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    qr = show_qr()
    decision = till.sell(qr, [BOOK, Line("comics", 600)], accept_partial=True)
    assert (decision.outcome, decision.approved_cents, decision.to_collect_cents) == (
        "approved",
        1840,
        0,
    )
    assert card_server.received == [
        {
            "key": decision.idempotency_key,
            "qr": qr,
            "lines": [
                {"category": "books", "amount_cents": 1240, "ean": "9782070368228"},
                {"category": "comics", "amount_cents": 600, "ean": None},
            ],
            "currency": "EUR",
            "accept_partial": True,
        }
    ]
    assert till.pending.all() == []


def test_a_partly_approved_sale_says_what_is_still_to_collect(
    till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    card_server.left_cents = 1000
    decision = till.sell(show_qr(), [BOOK], accept_partial=True)
    assert (decision.outcome, decision.approved_cents, decision.to_collect_cents) == (
        "partial",
        1000,
        240,
    )


def test_a_refused_sale_is_an_answer_too(
    till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    card_server.left_cents = 1000
    decision = till.sell(show_qr(), [BOOK], accept_partial=False)
    assert (decision.outcome, decision.to_collect_cents) == ("refused", 1240)
    assert till.pending.all() == []


def test_each_sale_has_a_key_of_its_own(
    till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    for _ in range(3):
        till.sell(show_qr(), [BOOK], accept_partial=False)
    assert len({asked["key"] for asked in card_server.received}) == 3
    assert card_server.left_cents == 7000 - 3 * 1240


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], "basket_empty"),
        ([Line("books", 0)], "amount_not_positive"),
        ([Line("books", -1), Line("books", 2)], "amount_not_positive"),
        ([Line("books", 1_000_001)], "amount_too_large"),
        ([Line("books", 600_000), Line("books", 600_000)], "amount_too_large"),
    ],
)
def test_a_basket_out_of_bounds_is_not_sent(
    lines: list[Line], expected: str, till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    with pytest.raises(AgentRefused) as refusal:
        till.sell(show_qr(), lines, accept_partial=False)
    assert refusal.value.code == expected
    assert card_server.received == []


def test_a_bad_qr_is_not_sent(till: Till, card_server: Any, show_qr: Callable[..., str]) -> None:
    now = datetime.now(UTC)
    assert refused_code(till, "SES1:HELLO") == "qr_malformed"
    assert refused_code(till, "") == "qr_malformed"
    assert refused_code(till, show_qr(now - timedelta(minutes=1))) == "proof_expired"
    assert refused_code(till, show_qr(issuer=IssuerKey.generate("FR-93"))) == "issuer_unknown"
    assert card_server.received == []


def test_a_key_that_the_issuer_made_since_enrolment_is_left_to_the_server(
    till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    qr = show_qr(issuer=IssuerKey.generate("FR-84"))
    assert till.sell(qr, [BOOK], accept_partial=False).outcome == "approved"
    assert len(card_server.received) == 1


def test_a_refused_question_books_nothing_and_carries_the_servers_code(
    till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    card_server.suspended = True
    with pytest.raises(AgentRefused) as refusal:
        till.sell(show_qr(), [BOOK], accept_partial=False)
    assert (refusal.value.code, refusal.value.detail) == (
        "terminal_suspended",
        "Ce terminal est suspendu.",
    )
    assert till.pending.all() == []


@pytest.mark.parametrize(
    "fault",
    [
        "cut before",
        "cut after",
        "cut inside",
        "500",
        "503",
        "429",
        "409",
        "html",
        'says {"approved_cents": 1}',
        'says {"approved_cents": "1240"}',
        'says {"approved_cents": true}',
        'says {"outcome": "perhaps"}',
        'says {"outcome": 1}',
    ],
)
def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_booked_once(
    fault: str,
    till: Till,
    card_server: Any,
    show_qr: Callable[..., str],
    pauses: list[float],
) -> None:
    card_server.faults = [fault]
    decision = till.sell(show_qr(), [BOOK], accept_partial=False)
    assert decision.outcome == "approved"
    assert list(card_server.booked) == [decision.idempotency_key]
    assert {asked["key"] for asked in card_server.received} == {decision.idempotency_key}
    assert card_server.left_cents == 7000 - 1240
    assert till.pending.all() == []
    assert pauses == [0.0, 0.3]


def test_an_answer_lost_each_time_is_found_by_its_key(
    till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    card_server.faults = ["cut after"] * 3
    decision = till.sell(show_qr(), [BOOK], accept_partial=False)
    assert decision.outcome == "approved"
    assert len(card_server.received) == 3
    assert card_server.left_cents == 7000 - 1240


def test_a_refusal_after_a_lost_answer_is_not_believed_before_the_key_was_looked_up(
    till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    # The first try books; the others meet a server that finds the QR spent.
    card_server.faults = ["cut after", "422", "422"]
    assert till.sell(show_qr(), [BOOK], accept_partial=False).outcome == "approved"


def test_a_sale_that_stays_without_answer_is_unknown_and_its_key_is_kept(
    till: Till, card_server: Any, home: Path, show_qr: Callable[..., str]
) -> None:
    qr = show_qr()
    card_server.faults = ["cut after"] * 3
    card_server.look_up_faults = ["cut before", "html"]
    with pytest.raises(AnswerUnknown) as unknown:
        till.sell(qr, [BOOK], accept_partial=False)
    [pending] = till.pending.all()
    assert pending.idempotency_key == unknown.value.idempotency_key
    assert pending.amount_cents == 1240
    [kept] = (home / "pending").iterdir()
    assert qr[5:40] not in kept.read_text()

    # Another process, later, asks and learns.
    later = Till(home, load_enrolment(home))
    assert later.look_up(pending.idempotency_key).outcome == "approved"
    assert later.pending.all() == []


def test_a_key_unknown_to_the_server_stays_in_doubt_until_no_request_can_arrive(
    till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    card_server.faults = ["cut before"] * 3
    with pytest.raises(AnswerUnknown) as unknown:
        till.sell(show_qr(), [BOOK], accept_partial=False)
    key = unknown.value.idempotency_key
    with pytest.raises(AnswerUnknown):
        till.look_up(key)
    [pending] = till.pending.all()
    # The library that judges signatures has this machine's clock, so the time of sending moves.
    sent_at = datetime.now(UTC) - FINAL_AFTER - timedelta(seconds=1)
    till.pending.keep(PendingSale(key, pending.amount_cents, sent_at))
    with pytest.raises(NotBooked):
        till.look_up(key)
    assert till.pending.all() == []


def test_a_404_that_is_not_the_servers_own_proves_nothing(till: Till, card_server: Any) -> None:
    key = str(uuid4())
    till.pending.keep(PendingSale(key, 1240, datetime.now(UTC) - FINAL_AFTER * 2))
    card_server.look_up_faults = ["html"]
    with pytest.raises(AnswerUnknown):
        till.look_up(key)
    assert [sale.idempotency_key for sale in till.pending.all()] == [key]
    with pytest.raises(NotBooked):
        till.look_up(key)


def test_true_is_not_one_cent(till: Till, card_server: Any, show_qr: Callable[..., str]) -> None:
    card_server.faults = ['says {"approved_cents": true}']
    decision = till.sell(show_qr(), [Line("books", 1)], accept_partial=False)
    assert decision.approved_cents is not True
    assert len(card_server.received) == 2


def test_the_key_is_on_disk_before_the_request_leaves(
    till: Till, card_server: Any, home: Path, show_qr: Callable[..., str]
) -> None:
    seen: list[list[str]] = []
    decide = card_server.purchase

    def looking(key: str, asked: dict[str, Any]) -> Any:
        seen.append([path.stem for path in (home / "pending").glob("*.json")])
        return decide(key, asked)

    card_server.purchase = looking
    decision = till.sell(show_qr(), [BOOK], accept_partial=False)
    assert seen == [[decision.idempotency_key]]


def test_an_unreachable_server_books_nothing_and_leaves_nothing_in_doubt(
    till: Till, card_server: Any, home: Path, show_qr: Callable[..., str], unused_port: int
) -> None:
    enrolment = load_enrolment(home)
    gone = type(enrolment)(**{**vars(enrolment), "server_url": f"http://127.0.0.1:{unused_port}"})
    assert refused_code(Till(home, gone, pause=lambda _: None), show_qr()) == "server_unreachable"


def test_a_caller_who_asks_again_with_their_key_gets_the_first_answer_though_the_qr_is_stale(
    till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    key, qr = str(uuid4()), show_qr()
    first = till.sell(qr, [BOOK], accept_partial=False, idempotency_key=key)
    stale = show_qr(datetime.now(UTC) - timedelta(minutes=1))
    again = till.sell(stale, [BOOK], accept_partial=False, idempotency_key=key)
    assert again == first
    assert card_server.left_cents == 7000 - 1240


@pytest.mark.parametrize("age", [timedelta(0), timedelta(minutes=1)])
def test_the_answer_for_another_amount_is_not_taken_for_this_sales(
    age: timedelta, till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    key = str(uuid4())
    till.sell(show_qr(), [BOOK], accept_partial=False, idempotency_key=key)
    card_server.faults = ["409"] * 3
    qr = show_qr(datetime.now(UTC) - age)
    dearer = [Line("books", 2000)]
    assert refused_code(till, qr, dearer, idempotency_key=key) == "idempotency_key_reused"
    assert card_server.left_cents == 7000 - 1240


def test_a_stale_qr_with_a_key_that_was_never_used_is_refused(
    till: Till, show_qr: Callable[..., str]
) -> None:
    stale = show_qr(datetime.now(UTC) - timedelta(minutes=1))
    assert refused_code(till, stale, idempotency_key=str(uuid4())) == "proof_expired"


@pytest.mark.parametrize(
    "lines", [None, [], ["books"], [{"amount_cents": "1240"}], [{"amount_cents": True}]]
)
def test_a_found_answer_without_readable_lines_stays_unknown_when_its_amount_is_not_kept(
    lines: Any, till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    key = till.sell(show_qr(), [BOOK], accept_partial=False).idempotency_key
    card_server.booked[key]["lines"] = lines
    with pytest.raises(AnswerUnknown):
        till.look_up(key)


def test_threads_may_sell_at_one_till(
    till: Till, card_server: Any, show_qr: Callable[..., str]
) -> None:
    outcomes: list[str] = []
    texts = [show_qr() for _ in range(8)]

    def sell(qr: str) -> None:
        outcomes.append(till.sell(qr, [Line("books", 1000)], accept_partial=False).outcome)

    threads = [threading.Thread(target=sell, args=(qr,)) for qr in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["approved"] * 7 + ["refused"]
    assert till.pending.all() == []
