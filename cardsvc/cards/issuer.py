"""The scheme's signing keys: the private halves are files, the public ones rows for all to read."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import Session

from cardsvc.cards.model import IssuerKeyRow
from cardsvc.cards.reasons import IssuerKeyMissing
from cardsvc.credential.keys import IssuerKey, IssuerKeys, public_key_to_jwk
from sesame.platform.database import after_commit
from sesame.platform.keys import keys_folder, write_secret
from sesame.platform.scheme import current_scheme
from sesame.platform.settings import Settings

REMEMBERED_SECONDS = 60
"""How long a process may go on accepting a key that another one has withdrawn."""
FRESH_SECONDS = 1
"""How often a process reads the keys again at most, however many cards name a key that it lacks."""

_remembered: WeakKeyDictionary[Engine, tuple[float, IssuerKeys]] = WeakKeyDictionary()
_read_afresh: WeakKeyDictionary[Engine, float] = WeakKeyDictionary()


def create_issuer_key(settings: Settings, session: Session, at: datetime) -> str:
    """Make the scheme's signing key where it has none; return the active one's id (16 hex digits).

    The private half goes to `issuer-<kid>.pem` among the keys, mode 0600. Raises `SchemeMissing`.
    """
    issuer = current_scheme(session).issuer
    active = _active_row(session, issuer)
    return active.key_id if active is not None else _add_key(settings, session, issuer, at)


def rotate_issuer_key(settings: Settings, session: Session, at: datetime) -> str:
    """Make a new signing key and return its id. What the former one signed stays accepted."""
    issuer = current_scheme(session).issuer
    active = _active_row(session, issuer)
    if active is not None:
        active.state = "retired"
        session.flush()
    return _add_key(settings, session, issuer, at)


def withdraw_issuer_key(session: Session, key_id: str) -> None:
    """Accept nothing more that this key signed (it was stolen, say). Raises `IssuerKeyMissing`.

    Other processes follow within `REMEMBERED_SECONDS`.
    """
    row = session.get(IssuerKeyRow, key_id)
    if row is None:
        raise IssuerKeyMissing()
    row.state = "withdrawn"
    session.flush()
    _forget_after_commit(session)


def issuer_keys(session: Session, *, fresh: bool = False) -> IssuerKeys:
    """Return the public keys that this scheme accepts, remembered by the process for a minute.

    fresh: read them again, unless this was asked within the last `FRESH_SECONDS`; for a card that
    names a key which isn't among them, since another process may have made it meanwhile.
    """
    engine = _engine(session)
    known = _remembered.get(engine)
    read_at = monotonic()
    if known is not None:
        since = _read_afresh.get(engine, -inf) if fresh else known[0]
        if read_at - since < (FRESH_SECONDS if fresh else REMEMBERED_SECONDS):
            return known[1]
    if fresh:
        _read_afresh[engine] = read_at
    rows = session.scalars(
        select(IssuerKeyRow)
        .where(IssuerKeyRow.state != "withdrawn")
        .order_by(IssuerKeyRow.created_at, IssuerKeyRow.key_id)
    )
    published: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        published.setdefault(row.issuer, []).append({"kid": row.key_id, "jwk": row.public_jwk})
    keys = IssuerKeys.from_published(
        [{"issuer": issuer, "keys": keys} for issuer, keys in published.items()]
    )
    _remembered[engine] = (read_at, keys)
    return keys


def signing_key(settings: Settings, session: Session) -> IssuerKey:
    """Return the private key that signs now. Raises `IssuerKeyMissing`."""
    row = _active_row(session, current_scheme(session).issuer)
    if row is None:
        raise IssuerKeyMissing()
    try:
        return _load(row.issuer, key_file(settings, row.key_id))
    except FileNotFoundError:
        raise IssuerKeyMissing() from None


def key_file(settings: Settings, key_id: str) -> Path:
    """Return where the private half of the key `key_id` is kept."""
    return keys_folder(settings) / f"issuer-{key_id}.pem"


@lru_cache(maxsize=8)
def _load(issuer: str, path: Path) -> IssuerKey:
    return IssuerKey.from_pem(issuer, path.read_bytes())


def _add_key(settings: Settings, session: Session, issuer: str, at: datetime) -> str:
    key = IssuerKey.generate(issuer)
    key_id = key.key_id.hex()
    # The file first: a row whose private half never reached the disk could sign nothing.
    write_secret(key_file(settings, key_id), key.to_pem())
    session.add(
        IssuerKeyRow(
            key_id=key_id,
            issuer=issuer,
            public_jwk=public_key_to_jwk(key.public_key),
            state="active",
            created_at=at,
        )
    )
    session.flush()
    _forget_after_commit(session)
    return key_id


def _active_row(session: Session, issuer: str) -> IssuerKeyRow | None:
    return session.scalar(
        select(IssuerKeyRow).where(IssuerKeyRow.issuer == issuer, IssuerKeyRow.state == "active")
    )


def _forget_after_commit(session: Session) -> None:
    engine = _engine(session)
    _remembered.pop(engine, None)
    after_commit(session, lambda: cast(None, _remembered.pop(engine, None)))


def _engine(session: Session) -> Engine:
    bind = session.get_bind()
    return bind.engine if isinstance(bind, Connection) else bind
