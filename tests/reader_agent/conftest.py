"""A server of the tests' own, and a phone: neither uses the code under test to judge it.

Requests are verified by the http-message-signatures library; QRs are opened with base45 and cbor2.
"""

import json
import secrets
import socket
import threading
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import base45
import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import (
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from cardsvc.credential.keys import IssuerKey, IssuerKeys
from cardsvc.credential.proof import make_proof
from cardsvc.credential.qr import encode_presentation
from cardsvc.credential.token import issue_token

CODE = "7Q4K-2MXR"
PURCHASES = "/api/v1/purchases"
OWN_STATE = "/api/v1/terminals/me"


class _Verifier(HTTPMessageVerifier):
    allow_label_only_selection = True


@dataclass
class _Message:
    method: str
    url: str
    headers: dict[str, str]


@dataclass
class CardServer(HTTPSignatureKeyResolver):
    """What the agent talks to. Tests set the attributes and read what arrived."""

    issuers: list[dict[str, Any]]
    left_cents: int = 7000
    suspended: bool = False
    own_state: dict[str, Any] = field(
        default_factory=lambda: {"state": "active", "convention": {"state": "active"}}
    )
    clock_ahead: timedelta = timedelta(0)
    # What happens to the next purchases, in order; nothing special once it is empty.
    faults: list[str] = field(default_factory=list)
    look_up_faults: list[str] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    booked: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, ec.EllipticCurvePublicKey] = field(default_factory=dict)
    enrolment_changes: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def resolve_public_key(self, key_id: str) -> ec.EllipticCurvePublicKey:
        return self.keys[key_id]

    def resolve_private_key(self, key_id: str) -> Any:
        raise NotImplementedError(key_id)

    def enrol(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert asked["kind"] == "reader"
        assert set(asked["public_key"]) == {"kty", "crv", "x", "y"}
        if asked["code"] != CODE:
            return 403, problem("enrolment_code_unknown", "Ce code n'existe pas.")
        x, y = (urlsafe_b64decode(asked["public_key"][name] + "=") for name in "xy")
        terminal_id = str(uuid4())
        self.keys[terminal_id] = ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), b"\x04" + x + y
        )
        return 201, {
            "terminal_id": terminal_id,
            "site": {"name": "Librairie des Épreuves"},
            "merchant": {"name": "Les Épreuves SARL"},
            "issuers": self.issuers,
        } | self.enrolment_changes

    def is_signed(self, message: _Message, body: bytes | None, components: set[str]) -> bool:
        verifier = _Verifier(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=self)
        try:
            [result] = verifier.verify(message, body=body, max_age=timedelta(seconds=120))
        except (InvalidSignature, KeyError):
            return False
        assert result.label == "sesame"
        return set(result.covered_components) == {*components, '"@signature-params"'}

    def purchase(self, key: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert UUID(key).version == 4
        assert asked.keys() == {"qr", "lines", "currency", "accept_partial"}
        version, token, proof = cbor2.loads(base45.b45decode(asked["qr"].removeprefix("SES1:")))
        assert (version, len(proof)) == (1, 89)
        assert cbor2.loads(token).tag == 18
        self.received.append({"key": key, **asked})
        if self.suspended:
            return 403, problem("terminal_suspended", "Ce terminal est suspendu.")
        if key in self.booked:
            return 200, self.booked[key]
        total = sum(line["amount_cents"] for line in asked["lines"])
        approved = min(total, self.left_cents)
        if approved < total and not asked["accept_partial"]:
            approved = 0
        self.left_cents -= approved
        outcome = "approved" if approved == total else "partial" if approved else "refused"
        reasons = []
        if approved < total:
            reasons = [
                {
                    "code": "balance_insufficient",
                    "cashier": {"fr": "Le solde ne suffit pas.", "en": "The balance is too low."},
                    "holder": {"fr": "Il te reste moins.", "en": "You have less left."},
                }
            ]
        self.booked[key] = {
            "purchase_id": str(uuid4()),
            "outcome": outcome,
            "approved_cents": approved,
            "remaining_cents": self.left_cents,
            "authorisation": "7Q4-K2M",
            "lines": [
                {**line, "approved_cents": approved, "reason": None} for line in asked["lines"]
            ],
            "reasons": reasons,
            "decided_at": datetime.now(UTC).isoformat(),
        }
        return 201, self.booked[key]


def problem(code: str, detail: str = "") -> dict[str, Any]:
    return {"type": "about:blank", "code": code, "title": code, "detail": detail}


class _Handler(BaseHTTPRequestHandler):
    card_server: CardServer

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/v1/terminals/enrol":
            fault = self.card_server.faults.pop(0) if self.card_server.faults else ""
            if fault == "cut before":
                return
            self._answer(*self.card_server.enrol(json.loads(raw)))
            return
        assert self.path == PURCHASES
        fault = self.card_server.faults.pop(0) if self.card_server.faults else ""
        if fault == "cut before":
            return
        covered = {'"@method"', '"@path"', '"content-digest"', '"idempotency-key"'}
        if not self.card_server.is_signed(self._message(), raw, covered):
            self._answer(401, problem("request_signature_invalid"))
            return
        with self.card_server.lock:
            status, content = self.card_server.purchase(
                self.headers["Idempotency-Key"], json.loads(raw)
            )
        if fault == "cut after":
            return
        if fault == "cut inside":
            self.send_response(201)
            self.send_header("Content-Length", "10000")
            self.end_headers()
            self.wfile.write(b'{"outcome":')
            return
        if fault.startswith("says "):
            self._answer(201, content | json.loads(fault.removeprefix("says ")))
        elif fault.isdecimal():
            self._answer(int(fault), problem("some_problem", "Un problème."))
        elif fault == "html":
            self._raw(200, b"<html>portal</html>")
        else:
            self._answer(status, content)

    def do_GET(self) -> None:
        server = self.card_server
        assert self.path == OWN_STATE or self.path.startswith(f"{PURCHASES}/by-key/")
        fault = server.look_up_faults.pop(0) if server.look_up_faults else ""
        if fault == "cut before":
            return
        if fault == "html":
            self._raw(404, b"<html>portal</html>")
            return
        if not server.is_signed(self._message(), None, {'"@method"', '"@path"'}):
            self._answer(401, problem("request_signature_invalid"))
        elif self.path == OWN_STATE:
            self._answer(200, server.own_state)
        elif (found := server.booked.get(self.path.rsplit("/", 1)[1])) is not None:
            self._answer(200, found)
        else:
            self._answer(404, problem("purchase_unknown"))

    def date_time_string(self, timestamp: float | None = None) -> str:
        at = datetime.now(UTC) + self.card_server.clock_ahead
        return super().date_time_string(timestamp or at.timestamp())

    def log_message(self, *_: object) -> None:
        return

    def _message(self) -> _Message:
        url = f"http://{self.headers['Host']}{self.path}"
        return _Message(self.command, url, dict(self.headers.items()))

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        self._raw(status, json.dumps(content).encode())

    def _raw(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="session")
def issuer_key() -> IssuerKey:
    return IssuerKey.generate("FR-84")


@pytest.fixture
def card_server(issuer_key: IssuerKey) -> Iterator[CardServer]:
    """A running server that knows no terminal yet."""
    state = CardServer(IssuerKeys({"FR-84": [issuer_key.public_key]}).to_published())
    handler = type("Handler", (_Handler,), {"card_server": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


@pytest.fixture
def code() -> str:
    return CODE


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "agent"


@pytest.fixture
def show_qr(issuer_key: IssuerKey) -> Callable[..., str]:
    """A new phone each time, showing its QR at that instant (now)."""

    def show(at: datetime | None = None, issuer: IssuerKey = issuer_key) -> str:
        at = at or datetime.now(UTC)
        phone = ec.generate_private_key(ec.SECP256R1())
        token = issue_token(
            issuer,
            token_id=secrets.token_bytes(16),
            holder_public_key=phone.public_key(),
            status_index=1,
            issued_at=at,
            expires_at=at + timedelta(hours=1),
        )
        return encode_presentation(token, make_proof(phone, token, at, secrets.token_bytes(8)))

    return show


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
