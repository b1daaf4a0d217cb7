"""The card scheme that this installation serves: one Region, its own data controller, one database."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, select
from sqlalchemy.orm import Mapped, Session

from sesame.platform.database.columns import Base, plain
from sesame.platform.ids import uuid7
from sesame.platform.problems import Reason, SesameError, declare


class SchemeMissing(SesameError):
    """The database holds no scheme yet."""

    reason = declare(
        Reason("scheme_missing", 503, "Aucune carte n'est encore installée : lancez `sesame init`.")
    )


class SchemeRow(Base):
    """The one row of the scheme."""

    __tablename__ = "scheme"
    __table_args__ = (
        CheckConstraint("only_one", name="only_one"),
        CheckConstraint("kind IN ('production', 'demonstration')", name="kind"),
        CheckConstraint("issuer ~ '^[A-Z0-9-]{2,12}$'", name="issuer"),
        {"schema": "platform"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    only_one: Mapped[bool] = plain(unique=True, default=True)
    name: Mapped[str] = plain()
    issuer: Mapped[str] = plain()
    zone: Mapped[str] = plain()
    kind: Mapped[str] = plain()
    created_at: Mapped[datetime] = plain()


@dataclass(frozen=True)
class Scheme:
    """A scheme: its name on screens, its short issuer id in tokens, its zone for days and seasons.

    kind: `production`, or `demonstration` (the only one whose clock may be moved).
    """

    id: UUID
    name: str
    issuer: str
    zone: ZoneInfo
    kind: str
    currency: str = "EUR"


def current_scheme(session: Session) -> Scheme:
    """Return the scheme of this database. Raises `SchemeMissing` before `sesame init`."""
    row = session.scalar(select(SchemeRow))
    if row is None:
        raise SchemeMissing()
    return Scheme(row.id, row.name, row.issuer, ZoneInfo(row.zone), row.kind)


def create_scheme(
    session: Session, *, name: str, issuer: str, zone: str, kind: str, at: datetime
) -> Scheme:
    """Add the scheme's row. Raises ZoneInfoNotFoundError for a zone that doesn't exist."""
    ZoneInfo(zone)
    session.add(
        SchemeRow(
            id=uuid7(at),
            only_one=True,
            name=name,
            issuer=issuer,
            zone=zone,
            kind=kind,
            created_at=at,
        )
    )
    session.flush()
    return current_scheme(session)
