"""How a terminal signs its HTTP requests: one fixed profile of RFC 9421 with RFC 9530 digests.

Covered, in this order: "@method", "@path", then "content-digest" when there is a body and
"idempotency-key" when there is that header. Signed requests carry no query string, since "@path"
would not cover it. A signature may be seen again within its age limit: what moves money is made
harmless to repeat by its idempotency key, which the signature covers.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from . import es256

_LABEL = "sesame="
_ALGORITHM = "ecdsa-p256-sha256"
_PARAMETERS = {"created", "keyid", "alg"}
# RFC 9651 integers have 15 digits at most; ten are enough until the year 2286.
_MAX_CREATED_DIGITS = 10


class RequestRefusalCode(StrEnum):
    """Why a request is not the terminal's. Codes never change."""

    UNSIGNED = "request_unsigned"
    MALFORMED = "request_signature_malformed"
    INVALID = "request_signature_invalid"
    DIGEST_MISMATCH = "request_digest_mismatch"
    EXPIRED = "request_signature_expired"


class RequestSignatureRefused(Exception):
    """A request whose signature is missing, malformed, stale or false; `code` says which."""

    def __init__(self, code: RequestRefusalCode) -> None:
        super().__init__(code.value)
        self.code = code


@dataclass(frozen=True, slots=True)
class _SignatureInput:
    components: str
    parameters: str
    terminal_id: UUID
    created: datetime


def content_digest(body: bytes) -> str:
    """Give the Content-Digest field (RFC 9530 section 2) of a body."""
    return f"sha-256=:{_base64(hashlib.sha256(body).digest())}:"


def sign_request(
    private_key: ec.EllipticCurvePrivateKey,
    terminal_id: UUID,
    method: str,
    path: str,
    body: bytes | None,
    idempotency_key: str | None,
    created: datetime,
) -> dict[str, str]:
    """Give the headers to send: Signature-Input, Signature and, when they apply, the covered ones.

    :param path: absolute, percent-encoded as it goes on the wire, without query.
    :param body: the exact bytes to send; None or empty for a request without one.
    :param created: aware; the sub-second part is dropped.
    :raises ValueError: for a path with a query, an unprintable key or a naive time.
    """
    if created.tzinfo is None:
        raise ValueError("a time needs its zone")
    if not _is_signable_path(path):
        raise ValueError("a signed path is absolute and has no query")
    if idempotency_key is not None and not _is_field_value(idempotency_key):
        raise ValueError("an idempotency key is printable ASCII without outer spaces")
    headers: dict[str, str] = {}
    if body:
        headers["Content-Digest"] = content_digest(body)
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    covered = _covered(method, path, headers.get("Content-Digest"), idempotency_key)
    components = _component_list(covered)
    parameters = f';created={int(created.timestamp())};keyid="{terminal_id}";alg="{_ALGORITHM}"'
    signature = es256.sign(private_key, _signature_base(covered, components + parameters))
    headers["Signature-Input"] = f"{_LABEL}{components}{parameters}"
    headers["Signature"] = f"{_LABEL}:{_base64(signature)}:"
    return headers


def read_terminal_id(headers: Mapping[str, str]) -> UUID:
    """Read which terminal claims to have signed, WITHOUT verifying anything.

    :raises RequestSignatureRefused: `request_unsigned`, `request_signature_malformed`.
    """
    return _read_signature_input(headers).terminal_id


def verify_request(
    public_key: ec.EllipticCurvePublicKey,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None,
    at: datetime,
    max_age_seconds: int = 120,
) -> None:
    """Verify that the key's owner signed exactly this request, recently.

    :param public_key: the enrolled key of `read_terminal_id(headers)`.
    :param path: the target as received, before any decoding. A query in it is refused: pass the
        raw target, not a framework's path without its query.
    :param headers: any capitalisation.
    :param max_age_seconds: the most that `created` may differ from `at`, either way.
    :raises RequestSignatureRefused: with the first code that applies.
    """
    given = _read_signature_input(headers)
    signature = _read_signature(headers)
    digest = _field(headers, "Content-Digest") if body else None
    idempotency_key = _field(headers, "Idempotency-Key")
    covered = _covered(method, path, digest, idempotency_key)
    if (
        given.components != _component_list(covered)
        or (body and digest is None)
        or not _is_signable_path(path)
        or not all(_is_field_value(value) for _, value in covered)
    ):
        raise RequestSignatureRefused(RequestRefusalCode.MALFORMED)
    if abs((at - given.created).total_seconds()) > max_age_seconds:
        raise RequestSignatureRefused(RequestRefusalCode.EXPIRED)
    if body and digest != content_digest(body):
        raise RequestSignatureRefused(RequestRefusalCode.DIGEST_MISMATCH)
    base = _signature_base(covered, given.components + given.parameters)
    if not es256.is_valid(public_key, base, signature):
        raise RequestSignatureRefused(RequestRefusalCode.INVALID)


def _covered(
    method: str, path: str, digest: str | None, idempotency_key: str | None
) -> list[tuple[str, str]]:
    covered = [("@method", method), ("@path", path)]
    if digest is not None:
        covered.append(("content-digest", digest))
    if idempotency_key is not None:
        covered.append(("idempotency-key", idempotency_key))
    return covered


def _component_list(covered: list[tuple[str, str]]) -> str:
    return "(" + " ".join(f'"{name}"' for name, _ in covered) + ")"


def _signature_base(covered: list[tuple[str, str]], signature_parameters: str) -> bytes:
    # RFC 9421 section 2.5.
    lines = [f'"{name}": {value}' for name, value in covered]
    lines.append(f'"@signature-params": {signature_parameters}')
    return "\n".join(lines).encode("ascii")


def _read_signature_input(headers: Mapping[str, str]) -> _SignatureInput:
    value = _field(headers, "Signature-Input")
    if value is None or _field(headers, "Signature") is None:
        raise RequestSignatureRefused(RequestRefusalCode.UNSIGNED)
    components, closing, rest = value.removeprefix(_LABEL).partition(")")
    given = dict(part.partition("=")[::2] for part in rest.split(";")[1:])
    created, terminal_id = given.get("created", ""), given.get("keyid", "")
    well_formed = (
        value.startswith(_LABEL)
        and closing
        and rest.startswith(";")
        and value.isascii()
        and rest.count(";") == len(_PARAMETERS)
        and given.keys() == _PARAMETERS
        and given["alg"] == f'"{_ALGORITHM}"'
        and created.isdecimal()
        and len(created) <= _MAX_CREATED_DIGITS
    )
    parsed_id = _uuid_or_none(terminal_id[1:-1])
    # UUID() reads several spellings; only the canonical one, in double quotes, is ours.
    if not well_formed or parsed_id is None or terminal_id != f'"{parsed_id}"':
        raise RequestSignatureRefused(RequestRefusalCode.MALFORMED)
    return _SignatureInput(
        components=components + closing,
        parameters=rest,
        terminal_id=parsed_id,
        created=datetime.fromtimestamp(int(created), UTC),
    )


def _read_signature(headers: Mapping[str, str]) -> bytes:
    value = _field(headers, "Signature") or ""
    start, end = f"{_LABEL}:", ":"
    try:
        signature = base64.b64decode(value[len(start) : -len(end)], validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    # Comparing with our own spelling also refuses loose Base64 and anything around it.
    if len(signature) != es256.SIGNATURE_BYTES or value != f"{start}{_base64(signature)}{end}":
        raise RequestSignatureRefused(RequestRefusalCode.MALFORMED)
    return signature


def _field(headers: Mapping[str, str], name: str) -> str | None:
    # Web frameworks' mappings ignore case; a plain dict from elsewhere does not.
    value = headers.get(name)
    if value is None:
        wanted = name.lower()
        value = next((text for key, text in headers.items() if key.lower() == wanted), None)
    return value


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _is_signable_path(path: str) -> bool:
    return path.startswith("/") and "?" not in path and "#" not in path and _is_field_value(path)


def _is_field_value(value: str) -> bool:
    return value != "" and value.isascii() and value.isprintable() and value == value.strip()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
