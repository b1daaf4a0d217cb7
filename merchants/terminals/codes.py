"""One-time codes that enrol a terminal: eight signs to type, only their keyed hash is kept."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from merchants.directory.model import Site
from merchants.directory.reasons import SiteUnknown
from merchants.terminals.model import TerminalCode
from merchants.terminals.reasons import TerminalCodeExpired, TerminalCodeUnknown
from sesame.platform.ids import uuid7
from sesame.platform.keys import secret_bytes
from sesame.platform.settings import Settings

# Crockford's alphabet: no I, L, O or U, so that a code read aloud or off paper is typed right.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHARACTERS = 8
LASTS = timedelta(hours=24)
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None, "\u00a0": None})


@dataclass(frozen=True)
class NewCode:
    """A code as it is shown, once: `K7QM-4TXP`."""

    code: str
    expires_at: datetime


def make_code(session: Session, settings: Settings, site_id: UUID, *, at: datetime) -> NewCode:
    """Make a code that enrols one terminal of the site within a day. Raises `SiteUnknown`."""
    if session.get(Site, site_id) is None:
        raise SiteUnknown()
    bare = "".join(secrets.choice(ALPHABET) for _ in range(CHARACTERS))
    session.add(
        TerminalCode(
            id=uuid7(at),
            site_id=site_id,
            code_hash=_hash(settings, bare),
            created_at=at,
            expires_at=at + LASTS,
        )
    )
    session.flush()
    return NewCode(f"{bare[:4]}-{bare[4:]}", at + LASTS)


def locked_code(session: Session, settings: Settings, typed: str, *, at: datetime) -> TerminalCode:
    """Return the row of a code as somebody typed it, locked: two who use it at once wait in line.

    It may have been used. Raises `TerminalCodeUnknown`, `TerminalCodeExpired`.
    """
    bare = typed.upper().translate(_MISREAD)
    row = session.scalar(
        select(TerminalCode)
        .where(TerminalCode.code_hash == _hash(settings, bare))
        .with_for_update()
    )
    if row is None:
        raise TerminalCodeUnknown()
    if row.expires_at <= at:
        raise TerminalCodeExpired()
    return row


def _hash(settings: Settings, bare: str) -> bytes:
    key = secret_bytes(settings, "terminal-codes")
    # JSON may carry half of a surrogate pair, which plain UTF-8 has no bytes for.
    typed = bare.encode(errors="surrogatepass")
    return hmac.new(key, typed, hashlib.sha256).digest()
