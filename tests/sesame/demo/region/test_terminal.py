"""What the simulated terminal signs, judged by the product and by another library's RFC 9421."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from http_message_signatures import (
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from cardsvc.credential.keys import public_key_from_jwk
from cardsvc.credential.request_signature import (
    RequestSignatureRefused,
    read_terminal_id,
    verify_request,
)
from sesame.demo.region.p256 import P256Key
from sesame.demo.region.terminal import Terminal

AT = datetime(2026, 11, 3, 16, 0, tzinfo=UTC)
PATH = "/api/v1/purchases"
TERMINAL_ID = UUID("780e08a3-7d83-44ae-b2ef-f8584edd2e0a")
BODY = '{"amount_cents":1290,"label":"Œuvre"}'.encode()


def enrolled() -> Terminal:
    return Terminal(P256Key.generate(), TERMINAL_ID)


def product_accepts(
    terminal: Terminal, headers: dict[str, str], body: bytes | None, method: str = "POST"
) -> None:
    verify_request(public_key_from_jwk(terminal.jwk()), method, PATH, headers, body, AT)


def library_verifies(terminal: Terminal, headers: dict[str, str], method: str) -> Any:
    class Keys(HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id: str) -> Any:
            assert key_id == str(TERMINAL_ID)
            return public_key_from_jwk(terminal.jwk())

    message = SimpleNamespace(method=method, url=f"http://127.0.0.1{PATH}", headers=headers)
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=Keys()
    )
    return verifier.verify(message, max_age=timedelta(days=36500))


@pytest.mark.parametrize(
    ("method", "body", "key"),
    [
        ("POST", BODY, "0c62c682-4666-4dd2-a949-de454b8ff9c1"),
        ("POST", BODY, None),
        ("GET", b"", None),
    ],
)
def test_the_product_accepts_a_signed_request(method: str, body: bytes, key: str | None) -> None:
    terminal = enrolled()
    headers = terminal.headers(method, PATH, at=AT, body=body, idempotency_key=key)
    assert read_terminal_id(headers) == TERMINAL_ID
    product_accepts(terminal, headers, body or None, method)
    assert headers.get("Idempotency-Key") == key


def test_another_library_verifies_the_same_signature() -> None:
    terminal = enrolled()
    headers = terminal.headers("POST", PATH, at=AT, body=BODY, idempotency_key="k-1")
    (result,) = library_verifies(terminal, headers, "POST")
    assert result.label == "sesame"
    assert set(result.covered_components) == {
        '"@method"',
        '"@path"',
        '"content-digest"',
        '"idempotency-key"',
        '"@signature-params"',
    }
    with pytest.raises(InvalidSignature):
        library_verifies(terminal, headers, "PUT")


def test_the_digest_is_that_of_the_body() -> None:
    headers = enrolled().headers("POST", PATH, at=AT, body=BODY)
    digest = headers["Content-Digest"].removeprefix("sha-256=:").removesuffix(":")
    assert base64.b64decode(digest) == hashlib.sha256(BODY).digest()


def test_a_body_changed_on_the_way_is_refused_by_the_product() -> None:
    terminal = enrolled()
    headers = terminal.headers("POST", PATH, at=AT, body=BODY, idempotency_key="k-1")
    with pytest.raises(RequestSignatureRefused) as refusal:
        product_accepts(terminal, headers, BODY + b" ")
    assert refusal.value.code == "request_digest_mismatch"


def test_another_terminals_key_is_refused_by_the_product() -> None:
    headers = enrolled().headers("POST", PATH, at=AT, body=BODY)
    with pytest.raises(RequestSignatureRefused) as refusal:
        product_accepts(enrolled(), headers, BODY)
    assert refusal.value.code == "request_signature_invalid"


def test_a_kept_key_is_the_same_terminal() -> None:
    terminal = Terminal.new()
    kept = Terminal.from_pem(terminal.to_pem(), TERMINAL_ID)
    assert kept.jwk() == terminal.jwk()
    product_accepts(terminal, kept.headers("POST", PATH, at=AT, body=BODY), BODY)


@pytest.mark.parametrize(
    ("terminal", "path", "at"),
    [
        (Terminal.new(), PATH, AT),
        (enrolled(), PATH + "?page=2", AT),
        (enrolled(), PATH, AT.replace(tzinfo=None)),
    ],
)
def test_what_cannot_be_signed_is_refused(terminal: Terminal, path: str, at: datetime) -> None:
    with pytest.raises(ValueError):
        terminal.headers("GET", path, at=at)
