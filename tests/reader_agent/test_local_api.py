"""The interface for the shop's own software."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from reader_agent.enrolment import enrol, load_enrolment
from reader_agent.local_api import LocalApi, read_or_make_token
from reader_agent.readers.simulated import SimulatedReader
from reader_agent.sale import Till

Call = Callable[..., tuple[int, dict[str, Any]]]


class PluggedReader:
    """A reader that cannot be presented to by a program."""

    def read(self, timeout_seconds: float) -> str:
        return f"waited {timeout_seconds}"


@pytest.fixture
def till(card_server: Any, home: Path, code: str) -> Till:
    enrol(home, card_server.url, code)
    return Till(home, load_enrolment(home), pause=lambda _: None)


@pytest.fixture
def api(till: Till, home: Path) -> Iterator[LocalApi]:
    token = read_or_make_token(home)
    with LocalApi(till, SimulatedReader(), token, 0, wait_for_reader_seconds=0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def call(api: LocalApi) -> Call:
    """Send a request with the right token; gives status and JSON."""

    def send(
        method: str,
        path: str,
        content: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        body = raw if raw is not None else None if content is None else json.dumps(content).encode()
        sent = {"Authorization": f"Bearer {api.token}"} | (headers or {})
        connection = HTTPConnection("127.0.0.1", api.server_port, timeout=10)
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    return send


def sale_of(qr: str, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"amount_cents": 1240, "category": "books", "qr": qr} | (changes or {})


def test_it_listens_on_this_machine_only(api: LocalApi) -> None:
    assert api.socket.getsockname()[0] == "127.0.0.1"
    assert api.url == f"http://127.0.0.1:{api.server_port}"


def test_the_token_is_made_once_and_kept(home: Path) -> None:
    token = read_or_make_token(home)
    assert len(token) >= 40
    assert read_or_make_token(home) == token


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", "Bearer é", "Basic abc"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/health"), ("POST", "/sale")])
def test_nothing_is_told_or_done_without_the_token(
    method: str, path: str, shown: str, call: Call, card_server: Any, show_qr: Callable[..., str]
) -> None:
    status, answer = call(
        method, path, sale_of(show_qr()), headers={"Authorization": shown.encode("utf-8")}
    )
    assert (status, answer["code"]) == (401, "token_wrong")
    assert card_server.received == []


def test_health_says_where_it_stands(call: Call) -> None:
    assert call("GET", "/health") == (
        200,
        {"status": "ok", "site": "Librairie des Épreuves", "pending": 0},
    )


def test_a_sale_gives_the_servers_answer(
    call: Call, card_server: Any, show_qr: Callable[..., str]
) -> None:
    status, answer = call("POST", "/sale", sale_of(show_qr()))
    [booked] = card_server.booked.values()
    assert status == 200
    assert answer == booked | {
        "idempotency_key": card_server.received[0]["key"],
        "to_collect_cents": 0,
    }
    assert card_server.received[0]["accept_partial"] is False


def test_a_basket_of_lines_is_passed_on(
    call: Call, card_server: Any, show_qr: Callable[..., str]
) -> None:
    lines = [
        {"category": "books", "amount_cents": 5000, "ean": "9782070368228"},
        {"category": "comics", "amount_cents": 3000, "ean": None},
    ]
    asked = {"lines": lines, "qr": show_qr(), "accept_partial": True}
    status, answer = call("POST", "/sale", asked)
    assert (status, answer["outcome"], answer["to_collect_cents"]) == (200, "partial", 1000)
    assert card_server.received[0]["lines"] == lines
    assert card_server.received[0]["accept_partial"] is True


def test_without_a_qr_the_reader_is_asked(
    call: Call, card_server: Any, show_qr: Callable[..., str]
) -> None:
    asked = {"amount_cents": 1240, "category": "books"}
    status, answer = call("POST", "/sale", asked)
    assert (status, answer["code"]) == (408, "nothing_presented")
    qr = show_qr()
    assert call("POST", "/reader/present", {"qr": qr})[0] == 202
    status, answer = call("POST", "/sale", asked)
    assert (status, answer["outcome"]) == (200, "approved")
    assert card_server.received[0]["qr"] == qr


def test_only_a_simulated_reader_can_be_presented_to(
    api: LocalApi, call: Call, card_server: Any
) -> None:
    api.reader = PluggedReader()
    status, answer = call("POST", "/reader/present", {"qr": "SES1:"})
    assert (status, answer["code"]) == (404, "not_found")
    status, answer = call("POST", "/sale", {"amount_cents": 1240, "category": "books"})
    assert (status, answer["code"]) == (422, "qr_malformed")


def test_an_unknown_answer_is_not_an_error_and_is_found_later(
    call: Call, card_server: Any, show_qr: Callable[..., str]
) -> None:
    card_server.faults = ["cut after"] * 3
    card_server.look_up_faults = ["cut before"] * 3
    status, answer = call("POST", "/sale", sale_of(show_qr()))
    assert (status, answer["outcome"]) == (202, "unknown")
    key = answer["idempotency_key"]
    assert call("GET", "/health")[1]["pending"] == 1
    assert call("GET", f"/sale/{key}") == (202, answer)
    status, answer = call("GET", f"/sale/{key}")
    assert (status, answer["outcome"], answer["idempotency_key"]) == (200, "approved", key)
    assert call("GET", "/health")[1]["pending"] == 0


def test_a_caller_may_ask_again_with_its_own_key(
    call: Call, card_server: Any, show_qr: Callable[..., str]
) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    first = call("POST", "/sale", sale_of(show_qr()), headers=headers)
    stale = show_qr(datetime.now(UTC) - timedelta(minutes=1))
    assert call("POST", "/sale", sale_of(stale), headers=headers) == first
    assert card_server.left_cents == 7000 - 1240


def test_an_unreachable_server_is_a_bad_gateway(
    api: LocalApi, call: Call, home: Path, show_qr: Callable[..., str], unused_port: int
) -> None:
    enrolment = load_enrolment(home)
    gone = type(enrolment)(**{**vars(enrolment), "server_url": f"http://127.0.0.1:{unused_port}"})
    api.till = Till(home, gone, pause=lambda _: None)
    status, answer = call("POST", "/sale", sale_of(show_qr()))
    assert (status, answer["code"]) == (502, "server_unreachable")


@pytest.mark.parametrize(
    ("changes", "status", "expected"),
    [
        ({"amount_cents": 12.4}, 400, "amount_malformed"),
        ({"amount_cents": "1240"}, 400, "amount_malformed"),
        ({"amount_cents": True}, 400, "amount_malformed"),
        ({"amount_cents": None}, 400, "amount_malformed"),
        ({"amount_cents": 0}, 422, "amount_not_positive"),
        ({"amount_cents": -5}, 422, "amount_not_positive"),
        ({"amount_cents": 10**30}, 422, "amount_too_large"),
        ({"category": ""}, 400, "category_malformed"),
        ({"category": 7}, 400, "category_malformed"),
        ({"qr": None}, 400, "qr_malformed"),
        ({"qr": "SES1:X"}, 422, "qr_malformed"),
        ({"accept_partial": "yes"}, 400, "accept_partial_malformed"),
        ({"tip_cents": 100}, 400, "member_unknown"),
        ({"lines": []}, 400, "lines_or_amount"),
    ],
)
def test_a_bad_sale_is_refused_with_its_code_and_not_sent(
    changes: dict[str, Any],
    status: int,
    expected: str,
    call: Call,
    card_server: Any,
    show_qr: Callable[..., str],
) -> None:
    answered, answer = call("POST", "/sale", sale_of(show_qr(), changes))
    assert (answered, answer["status"], answer["code"]) == (status, status, expected)
    assert answer["title"]
    assert card_server.received == []


@pytest.mark.parametrize(
    ("lines", "status", "expected"),
    [
        ([], 422, "basket_empty"),
        ("books", 400, "lines_malformed"),
        (["books"], 400, "lines_malformed"),
        ([{"category": "books", "amount_cents": 5, "ean": 9}], 400, "lines_malformed"),
        ([{"category": "books", "amount_cents": 5, "price": 9}], 400, "lines_malformed"),
        ([{"category": "books"}], 400, "amount_malformed"),
        ([{"amount_cents": 5}], 400, "category_malformed"),
    ],
)
def test_a_bad_basket_is_refused_with_its_code(
    lines: Any, status: int, expected: str, call: Call, show_qr: Callable[..., str]
) -> None:
    answered, answer = call("POST", "/sale", {"lines": lines, "qr": show_qr()})
    assert (answered, answer["code"]) == (status, expected)


@pytest.mark.parametrize(
    ("raw", "headers", "status", "expected"),
    [
        (b"{", {}, 400, "json_malformed"),
        (b"[]", {}, 400, "json_malformed"),
        (b"\xff", {}, 400, "json_malformed"),
        (b"[" * 50_000, {}, 400, "json_malformed"),
        (b"", {"Content-Length": "-1"}, 400, "length_malformed"),
        (b"", {"Content-Length": "70000"}, 413, "body_too_large"),
        (b"{}", {"Idempotency-Key": "7"}, 400, "amount_malformed"),
    ],
)
def test_a_bad_body_is_refused_with_its_code(
    raw: bytes, headers: dict[str, str], status: int, expected: str, call: Call
) -> None:
    answered, answer = call("POST", "/sale", raw=raw, headers=headers)
    assert (answered, answer["code"]) == (status, expected)


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "/", 404, "not_found"),
        ("POST", "/health", 404, "not_found"),
        ("GET", "/sale/7", 400, "idempotency_key_malformed"),
        ("GET", "/sale/4741532b-81b8-47a6-8da1-c72ca6979eea", 404, "sale_unknown"),
    ],
)
def test_a_bad_path_is_refused_with_its_code(
    method: str, path: str, status: int, expected: str, call: Call
) -> None:
    answered, answer = call(method, path)
    assert (answered, answer["code"]) == (status, expected)


@pytest.mark.parametrize("key", ["till 7, sale 12", "019a0000-0000-7000-8000-000000000000"])
def test_a_malformed_key_of_a_callers_is_refused(
    key: str, call: Call, card_server: Any, show_qr: Callable[..., str]
) -> None:
    headers = {"Idempotency-Key": key}
    status, answer = call("POST", "/sale", sale_of(show_qr()), headers=headers)
    assert (status, answer["code"]) == (400, "idempotency_key_malformed")
    assert card_server.received == []


def test_an_unforeseen_failure_shows_and_logs_nothing_of_the_request(
    api: LocalApi, call: Call, show_qr: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    qr = show_qr()

    def broken(timeout_seconds: float) -> str:
        raise RuntimeError(qr)

    api.reader.read = broken  # type: ignore[method-assign]
    with caplog.at_level(logging.DEBUG):
        status, answer = call("POST", "/sale", {"amount_cents": 1240, "category": "books"})
    assert (status, answer["code"]) == (500, "internal_error")
    assert qr not in json.dumps(answer)
    assert qr not in caplog.text
    assert "RuntimeError" in caplog.text
