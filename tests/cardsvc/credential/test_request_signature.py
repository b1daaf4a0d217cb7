"""Signed requests, judged by the http-message-signatures library in both directions."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from hypothesis import given
from hypothesis import strategies as st

from cardsvc.credential.request_signature import (
    RequestSignatureRefused,
    content_digest,
    read_terminal_id,
    sign_request,
    verify_request,
)

TERMINAL = UUID("780e08a3-7d83-44ae-b2ef-f8584edd2e0a")
KEY = ec.generate_private_key(ec.SECP256R1())
PATH = "/api/v1/purchases"
BODY = b'{"qr":"SES1:..."}'
IDEMPOTENCY_KEY = "0c62c682-4666-4dd2-a949-de454b8ff9c1"
NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
PURCHASE = ('"@method"', '"@path"', '"content-digest"', '"idempotency-key"')
LOOK_UP = ('"@method"', '"@path"')


@dataclass
class Request:
    """What the library reads."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


class OneKey(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str) -> Any:
        assert key_id == str(TERMINAL)
        return KEY.public_key()

    def resolve_private_key(self, key_id: str) -> Any:
        return KEY


class UntaggedVerifier(HTTPMessageVerifier):
    allow_label_only_selection = True


def library_verifies(request: Request, body: bytes | None, components: tuple[str, ...]) -> None:
    verifier = UntaggedVerifier(
        signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=OneKey()
    )
    results = verifier.verify(request, body=body, require_components=components, max_age=None)
    assert [result.label for result in results] == ["sesame"]
    assert tuple(results[0].covered_components)[:-1] == components


def purchase_headers(created: datetime = NOON) -> dict[str, str]:
    return sign_request(KEY, TERMINAL, "POST", PATH, BODY, IDEMPOTENCY_KEY, created)


def refused_code(**changes: Any) -> str:
    arguments: dict[str, Any] = {
        "public_key": KEY.public_key(),
        "method": "POST",
        "path": PATH,
        "headers": purchase_headers(),
        "body": BODY,
        "at": NOON,
    }
    with pytest.raises(RequestSignatureRefused) as refusal:
        verify_request(**(arguments | changes))
    return refusal.value.code


def with_spare_bits(value: str) -> str:
    # 64 bytes leave 4 bits unused in the last digit of their Base64.
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    start, last, end = value[:-4], value[-4], value[-3:]
    respelt = start + digits[digits.index(last) + 1] + end
    raw = [b64decode(text.removeprefix("sesame=:")[:-1]) for text in (value, respelt)]
    assert raw[0] == raw[1]
    return respelt


def test_the_library_verifies_a_purchase_that_we_signed() -> None:
    # The library's clock is the machine's: a request of the past is what it gets here.
    request = Request(
        "POST", f"https://example.org{PATH}", purchase_headers(datetime(2026, 1, 1, tzinfo=UTC))
    )
    library_verifies(request, BODY, PURCHASE)


def test_the_library_verifies_a_look_up_that_we_signed() -> None:
    path = f"/api/v1/purchases/by-key/{IDEMPOTENCY_KEY}"
    created = datetime(2026, 1, 1, tzinfo=UTC)
    headers = sign_request(KEY, TERMINAL, "GET", path, None, None, created)
    assert headers.keys() == {"Signature-Input", "Signature"}
    library_verifies(Request("GET", f"https://example.org{path}", headers), None, LOOK_UP)


@pytest.mark.parametrize(
    ("method", "body", "headers", "components"),
    [
        ("POST", BODY, {"Idempotency-Key": IDEMPOTENCY_KEY}, PURCHASE),
        ("POST", BODY, {}, PURCHASE[:3]),
        ("POST", None, {"Idempotency-Key": IDEMPOTENCY_KEY}, (*LOOK_UP, '"idempotency-key"')),
        ("GET", None, {}, LOOK_UP),
    ],
)
def test_we_verify_what_the_library_signed(
    method: str, body: bytes | None, headers: dict[str, str], components: tuple[str, ...]
) -> None:
    request = Request(method, f"https://example.org{PATH}", dict(headers))
    HTTPMessageSigner(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=OneKey()).sign(
        request,
        key_id=str(TERMINAL),
        created=NOON,
        label="sesame",
        covered_component_ids=components,
        body=body,
    )
    assert read_terminal_id(request.headers) == TERMINAL
    verify_request(KEY.public_key(), method, PATH, request.headers, body, NOON)
    with pytest.raises(RequestSignatureRefused):
        verify_request(KEY.public_key(), "PUT", PATH, request.headers, body, NOON)


def test_header_names_may_be_spelt_in_any_case() -> None:
    headers = {name.upper(): value for name, value in purchase_headers().items()}
    verify_request(KEY.public_key(), "POST", PATH, headers, BODY, NOON)
    assert read_terminal_id(headers) == TERMINAL


def test_parameters_may_come_in_any_order_since_they_are_signed_as_they_are() -> None:
    headers = purchase_headers()
    start, created, keyid, alg = headers["Signature-Input"].split(";")
    parameters = ";".join((start.removeprefix("sesame="), alg, keyid, created))
    base = "\n".join(
        (
            '"@method": POST',
            f'"@path": {PATH}',
            f'"content-digest": {content_digest(BODY)}',
            f'"idempotency-key": {IDEMPOTENCY_KEY}',
            f'"@signature-params": {parameters}',
        )
    )
    signature = b64encode(algorithms.ECDSA_P256_SHA256(private_key=KEY).sign(base.encode()))
    headers["Signature-Input"] = f"sesame={parameters}"
    headers["Signature"] = f"sesame=:{signature.decode()}:"
    verify_request(KEY.public_key(), "POST", PATH, headers, BODY, NOON)


def test_another_key_method_path_or_idempotency_key_is_refused() -> None:
    other_key = {**purchase_headers(), "Idempotency-Key": IDEMPOTENCY_KEY[:-1] + "2"}
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert refused_code(public_key=stranger) == "request_signature_invalid"
    assert refused_code(method="PUT") == "request_signature_invalid"
    assert refused_code(path=PATH + "/") == "request_signature_invalid"
    assert refused_code(headers=other_key) == "request_signature_invalid"


def test_another_body_is_refused() -> None:
    assert refused_code(body=BODY + b" ") == "request_digest_mismatch"


def test_another_body_with_its_own_digest_is_refused() -> None:
    body = BODY + b" "
    headers = {**purchase_headers(), "Content-Digest": content_digest(body)}
    assert refused_code(body=body, headers=headers) == "request_signature_invalid"


@pytest.mark.parametrize("late", [timedelta(seconds=121), timedelta(seconds=-121)])
def test_a_signature_too_old_or_too_far_ahead_is_refused(late: timedelta) -> None:
    assert refused_code(at=NOON + late) == "request_signature_expired"


@pytest.mark.parametrize("late", [timedelta(seconds=120), timedelta(seconds=-120)])
def test_a_signature_is_good_for_two_minutes_either_way(late: timedelta) -> None:
    verify_request(KEY.public_key(), "POST", PATH, purchase_headers(), BODY, NOON + late)


def test_the_age_limit_is_the_callers() -> None:
    assert refused_code(at=NOON + timedelta(seconds=6), max_age_seconds=5) == (
        "request_signature_expired"
    )


@pytest.mark.parametrize("missing", ["Signature", "Signature-Input"])
def test_a_request_without_a_signature_is_refused(missing: str) -> None:
    headers = purchase_headers()
    del headers[missing]
    assert refused_code(headers=headers) == "request_unsigned"
    with pytest.raises(RequestSignatureRefused) as refusal:
        read_terminal_id(headers)
    assert refusal.value.code == "request_unsigned"


def test_a_body_cannot_be_added_to_a_request_signed_without_one() -> None:
    headers = sign_request(KEY, TERMINAL, "POST", PATH, None, IDEMPOTENCY_KEY, NOON)
    assert refused_code(headers=headers) == "request_signature_malformed"
    headers["Content-Digest"] = content_digest(BODY)
    assert refused_code(headers=headers) == "request_signature_malformed"


def test_an_idempotency_key_cannot_be_added_removed_or_blanked() -> None:
    bare = sign_request(KEY, TERMINAL, "POST", PATH, BODY, None, NOON)
    added = {**bare, "Idempotency-Key": IDEMPOTENCY_KEY}
    removed = purchase_headers()
    del removed["Idempotency-Key"]
    for headers in (added, removed, {**removed, "Idempotency-Key": ""}):
        assert refused_code(headers=headers) == "request_signature_malformed"


@pytest.mark.parametrize(
    "path", [PATH + "?a=1", PATH + "#a", "api", "", PATH + "\n", "/é", "/a b\x00"]
)
def test_a_path_that_the_signature_would_not_cover_is_refused(path: str) -> None:
    assert refused_code(path=path) == "request_signature_malformed"
    with pytest.raises(ValueError, match="path"):
        sign_request(KEY, TERMINAL, "GET", path, None, None, NOON)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda v: v.replace("sesame=", "other=", 1), id="another label"),
        pytest.param(lambda v: v.replace(")", ""), id="no end of the list"),
        pytest.param(lambda v: v.replace('"@method" ', ""), id="method not covered"),
        pytest.param(lambda v: v.replace('"@path"', '"@target-uri"'), id="another component"),
        pytest.param(lambda v: v.replace('"@method" "@path"', '"@path" "@method"'), id="order"),
        pytest.param(lambda v: v.replace(";alg=", ";nonce="), id="no algorithm"),
        pytest.param(lambda v: v.replace("p256", "p384"), id="another algorithm"),
        pytest.param(lambda v: v + ";created=1", id="created twice"),
        pytest.param(lambda v: v + ";tag=1", id="a parameter more"),
        pytest.param(lambda v: v + ", x=()", id="a second signature"),
        pytest.param(lambda v: v.replace("created=1", "created=-1"), id="a negative time"),
        pytest.param(lambda v: v.replace("created=1", "created=100000001"), id="a huge time"),
        pytest.param(lambda v: v.replace("created=1", "created=1."), id="a fraction of a second"),
        pytest.param(lambda v: v.replace("created=1", "created=\u0661"), id="Arabic digits"),
        pytest.param(lambda v: v.replace("780e", "780E"), id="a terminal in capitals"),
        pytest.param(lambda v: v.replace("780e", "780"), id="no terminal id"),
        pytest.param(lambda v: v.replace('"780e', "'780e"), id="other quotes"),
        pytest.param(lambda v: v.replace(");", ") ;"), id="a space"),
        pytest.param(lambda v: "", id="empty"),
    ],
)
def test_a_signature_input_of_another_shape_is_refused(change: Callable[[str], str]) -> None:
    headers = purchase_headers()
    changed = change(headers["Signature-Input"])
    assert changed != headers["Signature-Input"]
    headers["Signature-Input"] = changed
    assert refused_code(headers=headers) == "request_signature_malformed"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda v: v.replace("sesame=", "other="), id="another label"),
        pytest.param(lambda v: v.replace("sesame=", "sesamE="), id="a label of the same length"),
        pytest.param(lambda v: v[:-1], id="no end"),
        pytest.param(lambda v: v[:-1] + ";", id="another end"),
        pytest.param(with_spare_bits, id="Base64 with spare bits set"),
        pytest.param(lambda v: v + " ", id="a space after"),
        pytest.param(lambda v: v.replace("=:", "=:*", 1), id="not Base64"),
        pytest.param(lambda v: v.replace("=:", "=:é", 1), id="not ASCII"),
        pytest.param(lambda v: "sesame=:AAAA:", id="too short"),
        pytest.param(lambda v: "", id="empty"),
    ],
)
def test_a_signature_of_another_shape_is_refused(change: Callable[[str], str]) -> None:
    headers = purchase_headers()
    headers["Signature"] = change(headers["Signature"])
    assert refused_code(headers=headers) == "request_signature_malformed"


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_headers_are_refused_with_a_code(signature_input: str, signature: str) -> None:
    headers = {"Signature-Input": signature_input, "Signature": signature}
    assert refused_code(headers=headers).startswith("request_")
    headers = {**purchase_headers(), "Signature-Input": "sesame=(" + signature_input}
    assert refused_code(headers=headers).startswith("request_")


def test_what_could_not_be_verified_is_not_signed() -> None:
    with pytest.raises(ValueError, match="zone"):
        sign_request(KEY, TERMINAL, "GET", PATH, None, None, NOON.replace(tzinfo=None))
    for key in ("", " a", "a\n", "é"):
        with pytest.raises(ValueError, match="idempotency"):
            sign_request(KEY, TERMINAL, "POST", PATH, BODY, key, NOON)
