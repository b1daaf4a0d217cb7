"""Enrolling and asking about oneself, through HTTP. Requests are signed by an independent library."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from merchants.terminals.states import change_state
from sesame.platform.database import unit_of_work

ME = "/api/v1/terminals/me"
ENROL = "/api/v1/terminals/enrol"


@dataclass
class Request:
    """What the library reads and adds its headers to."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


class OneKey(HTTPSignatureKeyResolver):
    def __init__(self, private):
        self._private = private

    def resolve_private_key(self, key_id):
        return self._private


def signed(private, terminal_id, at, method="GET", path=ME, body=None):
    """Sign a request as docs/credential.md says, with another library; give its headers."""
    request = Request(method, f"https://sesame.example{path}")
    covered = ["@method", "@path"]
    if body is not None:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        request.headers["Content-Digest"] = f"sha-256=:{digest}:"
        covered.append("content-digest")
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=OneKey(private)
    )
    signer.sign(
        request,
        key_id=str(terminal_id),
        created=at,
        label="sesame",
        covered_component_ids=covered,
        body=body,
        use_existing_digest=body is not None,
    )
    return request.headers


@pytest.fixture
def client(make_app):
    return make_app().test_client()


def test_a_till_enrols_and_is_told_its_shop_and_the_issuers(client, code_for, new_key, shop):
    body = {"code": code_for(shop), "public_key": new_key().jwk, "kind": "till"}
    answer = client.post(ENROL, json=body)
    assert answer.status_code == 201
    told = answer.get_json()
    assert told["site"] == told["merchant"] == {"name": "Librairie des Trois Ponts"}
    (issuer,) = told["issuers"]
    assert issuer["issuer"] == "FR-VA"
    (key,) = issuer["keys"]
    assert len(key["kid"]) == 16
    assert set(key["jwk"]) == {"kty", "crv", "x", "y"}


def test_webcrypto_s_own_members_are_ignored(client, code_for, new_key, shop):
    jwk = {**new_key().jwk, "ext": True, "key_ops": ["verify"]}
    answer = client.post(ENROL, json={"code": code_for(shop), "public_key": jwk, "kind": "till"})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"kind": "gate"}, "kind"),
        ({"code": ""}, "code"),
        ({"code": 12345678}, "code"),
        ({"public_key": "AAAA"}, "public_key"),
        ({"public_key": {"kty": "EC"}}, "public_key"),
        ({"site_id": "x"}, "site_id"),
    ],
)
def test_a_wrong_field_is_named(client, code_for, new_key, shop, changed, wrong):
    body = {"code": code_for(shop), "public_key": new_key().jwk, "kind": "till", **changed}
    answer = client.post(ENROL, json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "input_invalid")
    assert list(answer.get_json()["fields"]) == [wrong]


@pytest.mark.parametrize("code", ["\ud800", "\x00", "é" * 40])
def test_an_odd_code_is_only_unknown(client, new_key, code):
    body = json.dumps({"code": code, "public_key": new_key().jwk, "kind": "till"})
    answer = client.post(ENROL, data=body, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "terminal_code_unknown")


@pytest.mark.parametrize("body", ["", "{", "[" * 60_000, "[]", "null"])
def test_what_is_no_request_is_refused(client, body):
    answer = client.post(ENROL, data=body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.mimetype == "application/problem+json"


def test_a_private_key_is_not_wanted(client, code_for, new_key, shop):
    jwk = {**new_key().jwk, "d": "AAAA"}
    answer = client.post(ENROL, json={"code": code_for(shop), "public_key": jwk, "kind": "till"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "terminal_key_invalid")


def test_codes_are_not_guessed(client, code_for, new_key, shop, clock):
    good = code_for(shop)
    body = {"code": "AAAA-AAAA", "public_key": new_key().jwk, "kind": "till"}
    codes = [client.post(ENROL, json=body).get_json()["code"] for _ in range(11)]
    assert codes == ["terminal_code_unknown"] * 10 + ["too_many_attempts"]
    locked = client.post(ENROL, json={**body, "code": good})
    assert (locked.status_code, locked.get_json()["code"]) == (429, "too_many_attempts")
    clock.advance(timedelta(hours=1, seconds=1))
    assert client.post(ENROL, json={**body, "code": good}).status_code == 201


def test_one_home_guesses_as_one_whatever_address_it_takes(client, new_key):
    body = {"code": "AAAA-AAAA", "public_key": new_key().jwk, "kind": "till"}

    def guess(address):
        answer = client.post(ENROL, json=body, environ_base={"REMOTE_ADDR": address})
        return answer.get_json()["code"]

    codes = [guess(f"2001:db8:1:2::{number:x}") for number in range(1, 12)]
    assert codes == ["terminal_code_unknown"] * 10 + ["too_many_attempts"]
    assert guess("2001:db8:1:3::1") == "terminal_code_unknown"


@pytest.mark.parametrize(
    ("prepare", "status", "code"),
    [
        (lambda client, clock, body: client.post(ENROL, json=body), 409, "terminal_code_used"),
        (
            lambda client, clock, body: clock.advance(timedelta(days=1)),
            410,
            "terminal_code_expired",
        ),
    ],
    ids=["used", "expired"],
)
def test_a_code_that_no_longer_serves_says_why(
    client, clock, code_for, new_key, shop, prepare, status, code
):
    body = {"code": code_for(shop), "public_key": new_key().jwk, "kind": "till"}
    prepare(client, clock, body)
    answer = client.post(ENROL, json={**body, "public_key": new_key().jwk})
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_a_terminal_is_told_about_itself(client, terminal, shop, at):
    answer = client.get(ME, headers=signed(terminal.key.private, terminal.id, at))
    assert answer.status_code == 200
    name = "Librairie des Trois Ponts"
    assert answer.get_json() == {
        "terminal_id": str(terminal.id),
        "number": 1,
        "state": "active",
        "site": {"id": str(shop.site_id), "name": name},
        "merchant": {"id": str(shop.merchant_id), "name": name},
        "convention": {
            "state": "active",
            "categories": ["textbooks", "books", "comics"],
            "accepts_partial": True,
        },
        "server_time": at.isoformat(),
    }


def test_a_suspended_terminal_is_still_told_that_it_is(client, database, terminal, at):
    with unit_of_work(database) as session:
        change_state(session, terminal.id, "suspended", reason="", at=at)
    answer = client.get(ME, headers=signed(terminal.key.private, terminal.id, at))
    assert answer.get_json()["state"] == "suspended"


@pytest.mark.parametrize("state", ["draft", "suspended"])
def test_a_convention_that_does_not_hold_is_told(client, add_shop, add_terminal, at, state):
    terminal = add_terminal(add_shop(convention=state))
    answer = client.get(ME, headers=signed(terminal.key.private, terminal.id, at))
    assert answer.get_json()["convention"]["state"] == state


def test_no_convention_is_told(client, add_shop, add_terminal, at):
    terminal = add_terminal(add_shop(convention="none"))
    answer = client.get(ME, headers=signed(terminal.key.private, terminal.id, at))
    assert answer.get_json()["convention"] is None


def _code(answer):
    assert answer.mimetype == "application/problem+json"
    return answer.status_code, answer.get_json()["code"]


def test_an_unsigned_request_is_nobody_s(client, terminal):
    assert _code(client.get(ME)) == (401, "request_unsigned")


def test_a_terminal_that_nobody_enrolled_is_unknown(client, new_key, at):
    headers = signed(new_key().private, uuid4(), at)
    assert _code(client.get(ME, headers=headers)) == (401, "terminal_unknown")


def test_another_s_key_is_not_believed(client, terminal, new_key, at):
    headers = signed(new_key().private, terminal.id, at)
    assert _code(client.get(ME, headers=headers)) == (401, "request_signature_invalid")


def test_one_terminal_cannot_speak_for_another(client, add_terminal, shop, at):
    mine, other = add_terminal(shop), add_terminal(shop)
    headers = signed(mine.key.private, mine.id, at)
    headers["Signature-Input"] = headers["Signature-Input"].replace(str(mine.id), str(other.id))
    assert _code(client.get(ME, headers=headers)) == (401, "request_signature_invalid")


def test_a_signature_of_another_path_or_method_is_not_believed(client, terminal, at):
    for changed in ({"path": "/api/v1/terminals"}, {"method": "POST"}):
        headers = signed(terminal.key.private, terminal.id, at, **changed)
        assert _code(client.get(ME, headers=headers)) == (401, "request_signature_invalid")


def test_a_query_is_not_covered_and_so_refused(client, terminal, at):
    headers = signed(terminal.key.private, terminal.id, at)
    answer = client.get(f"{ME}?all=1", headers=headers)
    assert _code(answer) == (401, "request_signature_malformed")


@pytest.mark.parametrize("seconds", [-121, 121])
def test_a_wrong_clock_is_told_the_right_time(client, terminal, at, seconds):
    headers = signed(terminal.key.private, terminal.id, at + timedelta(seconds=seconds))
    answer = client.get(ME, headers=headers)
    assert _code(answer) == (401, "request_signature_expired")
    assert answer.get_json()["server_time"] == at.isoformat()


def test_an_altered_body_is_seen(client, terminal, at):
    body = json.dumps({"amount_cents": 1240}).encode()
    headers = signed(terminal.key.private, terminal.id, at, body=body)
    answer = client.get(ME, headers=headers, data=body.replace(b"1240", b"9240"))
    assert _code(answer) == (401, "request_digest_mismatch")
    assert client.get(ME, headers=headers, data=body).status_code == 200


def test_a_key_is_looked_up_once_a_process(client, terminal, database, at, monkeypatch):
    headers = signed(terminal.key.private, terminal.id, at)
    assert client.get(ME, headers=headers).status_code == 200
    opened = []
    monkeypatch.setattr(
        "merchants.terminals.authenticate.select", lambda *columns: opened.append(columns)
    )
    assert client.get(ME, headers=headers).status_code == 200
    assert opened == []


def test_the_log_of_a_request_has_no_personal_data(client, terminal, at, capsys):
    client.get(ME, headers=signed(terminal.key.private, terminal.id, at))
    said = capsys.readouterr()
    assert "Trois Ponts" not in said.out + said.err
