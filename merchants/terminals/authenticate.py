"""Believing a terminal: its request is signed by the key that it enrolled (docs/credential.md, 7).

A terminal's key never changes (a new key is a new terminal), so the process remembers the keys it
has seen, and most requests cost no query here. The state is not looked at: whoever acts for the
terminal reads it with the rest, in `merchants.terminal_state`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from cardsvc.credential.request_signature import (
    RequestRefusalCode,
    RequestSignatureRefused,
    read_terminal_id,
    verify_request,
)
from merchants.terminals.model import Terminal
from merchants.terminals.reasons import (
    RequestDigestMismatch,
    RequestSignatureExpired,
    RequestSignatureInvalid,
    RequestSignatureMalformed,
    RequestUnsigned,
    TerminalUnknown,
)
from sesame.platform.database import Database
from sesame.platform.problems import SesameError

REMEMBERED_KEYS = 20_000

_REFUSALS: dict[RequestRefusalCode, type[SesameError]] = {
    RequestRefusalCode.UNSIGNED: RequestUnsigned,
    RequestRefusalCode.MALFORMED: RequestSignatureMalformed,
    RequestRefusalCode.INVALID: RequestSignatureInvalid,
    RequestRefusalCode.DIGEST_MISMATCH: RequestDigestMismatch,
}

_keys: dict[tuple[str, UUID], ec.EllipticCurvePublicKey] = {}
_keys_lock = Lock()


@dataclass(frozen=True)
class TerminalIdentity:
    """The terminal that signed a request."""

    terminal_id: UUID


def authenticate_terminal(
    database: Database,
    *,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None,
    at: datetime,
) -> TerminalIdentity:
    """Return which terminal signed this request.

    path: the target as received, its query included (a signed request has none). Raises
    `TerminalUnknown`, or the signature's refusal: `RequestUnsigned`, `RequestSignatureMalformed`,
    `RequestSignatureInvalid`, `RequestDigestMismatch`, `RequestSignatureExpired`.
    """
    try:
        terminal_id = read_terminal_id(headers)
        verify_request(_public_key(database, terminal_id), method, path, headers, body, at)
    except RequestSignatureRefused as refused:
        if refused.code is RequestRefusalCode.EXPIRED:
            # A till whose clock is wrong sets itself by this and signs again.
            raise RequestSignatureExpired(server_time=at.isoformat()) from None
        raise _REFUSALS[refused.code]() from None
    return TerminalIdentity(terminal_id)


def _public_key(database: Database, terminal_id: UUID) -> ec.EllipticCurvePublicKey:
    remembered = _keys.get((database.url, terminal_id))
    if remembered is not None:
        return remembered
    with database.sessions() as session:
        point = session.scalar(select(Terminal.public_key).where(Terminal.id == terminal_id))
    if point is None:
        raise TerminalUnknown()
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    with _keys_lock:
        if len(_keys) >= REMEMBERED_KEYS:
            # The oldest; an evicted terminal costs one query more.
            _keys.pop(next(iter(_keys)))
        _keys[database.url, terminal_id] = key
    return key
