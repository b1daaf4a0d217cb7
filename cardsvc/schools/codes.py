"""One-time codes of the class sheets: what binds a sign-in to a pupil of a roll.

Name, birth date and INE never suffice: classmates know them. A code is ten random characters out of
31 (49.5 bits) and a check character that finds any single slip or swap; only its keyed hash is
kept, so printing again makes fresh codes and revokes the ones before.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from cardsvc.people import readable
from cardsvc.schools.model import RollCode, School
from cardsvc.schools.reasons import (
    CodeExpired,
    CodeMistyped,
    CodeReplaced,
    CodeUnknown,
    CodeUsed,
)
from sesame.platform.keys import secret_bytes
from sesame.platform.settings import Settings

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""31 characters that don't look alike on paper; 31 is prime, which the check character needs."""
RANDOM_CHARACTERS = 10
LASTS = timedelta(days=60)
REPEATABLE = timedelta(minutes=10)
"""How long the browser that used a code may send it again: its answer may have been lost."""
_FIRST_GROUP = 5
_IGNORED = dict.fromkeys(map(ord, " -‐‑–—_.\u00a0\u202f\t"))


@dataclass(frozen=True)
class IssuedCode:
    """A code for one pupil, to be printed and forgotten: it can't be found again."""

    beneficiary_id: UUID
    name: str = field(repr=False)
    class_name: str
    code: str = field(repr=False)
    expires_at: datetime


def new_code() -> str:
    """Return a fresh code as it is printed: K7QF4-9XMTR2 (the last character is the check)."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    code = body + _check_character(body)
    return f"{code[:_FIRST_GROUP]}-{code[_FIRST_GROUP:]}"


def normalise(typed: str) -> str:
    """Return the eleven characters of a code however it was typed (case, spaces, dashes). Raises
    `CodeMistyped` for anything that can't be a code.
    """
    code = typed.strip().upper().translate(_IGNORED)
    if (
        len(code) != RANDOM_CHARACTERS + 1
        or any(character not in ALPHABET for character in code)
        or code[-1] != _check_character(code[:-1])
    ):
        raise CodeMistyped()
    return code


def _check_character(body: str) -> str:
    # Weights 1 to 10 modulo a prime: one wrong character or two swapped ones always show.
    total = sum(weight * ALPHABET.index(each) for weight, each in enumerate(body, start=1))
    return ALPHABET[total % len(ALPHABET)]


# A pupil who has used a code is bound: they get another only when it is asked for by name.
_TO_ISSUE = text("""
    SELECT b.id, b.given_name, coalesce(b.usual_name, b.family_name) AS family_name, l.class
      FROM cardsvc.roll_line l JOIN cardsvc.beneficiary b ON b.id = l.beneficiary_id
     WHERE l.school_id = :school AND l.left_on IS NULL
       AND (CAST(:class AS text) IS NULL OR l.class = :class)
       AND CASE WHEN CAST(:only AS uuid) IS NULL
                THEN NOT EXISTS (SELECT 1 FROM cardsvc.roll_code c
                                  WHERE c.beneficiary_id = b.id AND c.used_at IS NOT NULL)
                ELSE b.id = :only END
     ORDER BY l.class, family_name, b.given_name, b.id
""")

_REVOKE = text("""
    UPDATE cardsvc.roll_code SET revoked_at = :at
     WHERE used_at IS NULL AND revoked_at IS NULL
       AND beneficiary_id = ANY (CAST(:ids AS uuid[]))
""")

_ISSUE = text("""
    INSERT INTO cardsvc.roll_code
           (id, beneficiary_id, school_id, code_hash, created_at, expires_at)
    SELECT platform.uuid7(CAST(:at AS timestamptz)), c.*, CAST(:at AS timestamptz),
           CAST(:expires AS timestamptz)
      FROM (SELECT i.id, CAST(:school AS uuid), i.hash
              FROM unnest(CAST(:ids AS uuid[]), CAST(:hashes AS bytea[])) AS i (id, hash)) AS c
""")


def issue_codes(
    session: Session,
    settings: Settings,
    *,
    school_id: UUID,
    at: datetime,
    class_name: str | None = None,
    only: UUID | None = None,
) -> list[IssuedCode]:
    """Make a code for each pupil of a school (or one class) who isn't bound yet, sorted by class and
    name. Codes that they had and didn't use are revoked.

    only: the one pupil of this school to make a code for, bound or not (a lost phone).
    """
    session.execute(select(School.id).where(School.id == school_id).with_for_update())
    rows = session.execute(
        _TO_ISSUE, {"school": school_id, "class": class_name, "only": only}
    ).all()
    expires_at = at + LASTS
    issued = [
        IssuedCode(
            beneficiary_id=row.id,
            name=f"{readable(row.given_name)} {row.family_name.upper()}",
            class_name=row[3],
            code=new_code(),
            expires_at=expires_at,
        )
        for row in rows
    ]
    if issued:
        ids = [each.beneficiary_id for each in issued]
        hashes = [_hash(settings, normalise(each.code)) for each in issued]
        session.execute(_REVOKE, {"at": at, "ids": ids})
        session.execute(
            _ISSUE,
            {"at": at, "expires": expires_at, "school": school_id, "ids": ids, "hashes": hashes},
        )
    return issued


def bind_by_code(
    session: Session, settings: Settings, code: str, at: datetime, browser: str | None = None
) -> UUID:
    """Use a code up and return whose it is. Of two who try at once, one gets it.

    browser: a random value that only this browser has, for `bound_just_now`. Raises `CodeMistyped`,
    `CodeUnknown`, `CodeUsed`, `CodeReplaced` or `CodeExpired`; limits on guessing are the caller's
    (`sesame.platform.identity.attempts`).
    """
    row = _locked(session, settings, code)
    if row.used_at is not None:
        raise CodeUsed()
    if row.revoked_at is not None:
        raise CodeReplaced()
    if row.expires_at <= at:
        raise CodeExpired()
    row.used_at = at
    row.used_by_hash = _browser_hash(browser) if browser is not None else None
    session.flush()
    return row.beneficiary_id


def bound_just_now(
    session: Session, settings: Settings, code: str, at: datetime, browser: str | None
) -> UUID | None:
    """Return whose code it is where this same browser used it up less than `REPEATABLE` ago; None
    otherwise, as once the pupil was given another code.

    Raises `CodeMistyped` or `CodeUnknown`.
    """
    row = _locked(session, settings, code)
    if browser is None or row.used_at is None or row.used_by_hash is None:
        return None
    if not hmac.compare_digest(row.used_by_hash, _browser_hash(browser)):
        return None
    newer = select(RollCode.id).where(
        RollCode.beneficiary_id == row.beneficiary_id,
        RollCode.id != row.id,
        RollCode.created_at >= row.used_at,
    )
    if at - row.used_at >= REPEATABLE or session.scalar(newer.limit(1)) is not None:
        return None
    return row.beneficiary_id


def _locked(session: Session, settings: Settings, code: str) -> RollCode:
    """Return the code's row, locked; and before it its pupil's, the first lock of all."""
    wanted = select(RollCode).where(RollCode.code_hash == _hash(settings, normalise(code)))
    pupil = session.scalar(wanted.with_only_columns(RollCode.beneficiary_id))
    if pupil is None:
        raise CodeUnknown()
    session.execute(select(func.cardsvc.lock_beneficiary(pupil)))
    return session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).one()


def _browser_hash(browser: str) -> bytes:
    return hashlib.sha256(browser.encode()).digest()


def _hash(settings: Settings, code: str) -> bytes:
    return hmac.new(secret_bytes(settings, "roll-codes"), code.encode(), hashlib.sha256).digest()
