"""Granting to everyone who is eligible and has nothing yet for the line and season.

Set-based: one statement finds the people, arrays of thousands open the accounts and entitlements.
The programme's row is held meanwhile, so two grants at once never meet; the database's unique key
on (beneficiary, programme, season, line) says the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from cardsvc.programmes.compiling import compile_document
from cardsvc.programmes.model import GrantBatch, GrantShortage, ProgrammeRow, ProgrammeVersion
from cardsvc.programmes.needs import envelope_needs
from cardsvc.programmes.population import candidates_query
from cardsvc.programmes.reasons import EnvelopeInsufficient, EnvelopeMissing, SeasonOver
from cardsvc.programmes.rules import BenefitLine, Programme
from ledger.grants import post_grants
from ledger.reasons import InsufficientBalance
from ledger.thresholds import notice_thresholds
from sesame.platform.clock import day_bounds, day_in
from sesame.platform.ids import uuid7
from sesame.platform.log import logger
from sesame.platform.money import format_cents
from sesame.platform.scheme import current_scheme

CHUNK = 5_000

_INSERT = text(
    """
    INSERT INTO cardsvc.entitlement (
        id, beneficiary_id, programme_id, programme_version_id, grant_batch_id, season, line,
        account_id, paying_envelope_id, priority, valid_from, valid_until, granted_cents, created_at)
    SELECT id, beneficiary_id, :programme, :version, :batch, :season, :line, account_id, :envelope,
           :priority, :valid_from, :valid_until, :amount_cents, :at
      FROM unnest(CAST(:ids AS uuid[]), CAST(:people AS uuid[]), CAST(:accounts AS uuid[]))
        AS t(id, beneficiary_id, account_id)
    """
)


@dataclass(frozen=True)
class LineGrant:
    """What one line gave now: to how many people, and how much in all."""

    line: str
    people: int
    total_cents: int


def lock_programme(session: Session, programme_id: UUID) -> None:
    """Hold the programme's row until the end of the transaction: one publication or grant at once."""
    query = select(ProgrammeRow.id).where(ProgrammeRow.id == programme_id).with_for_update()
    session.execute(query).one()


def grant_version(
    session: Session, version: ProgrammeVersion, programme: Programme, *, at: datetime
) -> tuple[LineGrant, ...]:
    """Grant under `version` to all who are eligible now and have nothing for the line and season.

    The caller holds the programme's row. Raises `SeasonOver`, `EnvelopeMissing` or
    `EnvelopeInsufficient` (with the figures), and then nothing is granted.
    """
    zone = current_scheme(session).zone
    today = day_in(zone, at)
    if programme.season.last < today:
        raise SeasonOver(last=programme.season.last.isoformat())
    people = _people_to_grant(session, programme, today)
    _check_envelopes(session, programme, {line: len(each) for line, each in people.items()})
    try:
        granted = tuple(
            _grant_line(session, version, programme, line, people[line.id], zone, at)
            for line in programme.lines
            if people[line.id]
        )
    except InsufficientBalance:
        # Another programme can't take from this envelope; a correction of the funder's may.
        _check_envelopes(session, programme, {line: len(each) for line, each in people.items()})
        raise
    _forget_shortage(session, version)
    notice_thresholds(session, at=at)
    return granted


def open_versions(session: Session, today: date) -> list[UUID]:
    """Return the latest version of each programme and season that isn't over on `today`."""
    latest = (
        select(ProgrammeVersion)
        .distinct(ProgrammeVersion.programme_id, ProgrammeVersion.season)
        .order_by(
            ProgrammeVersion.programme_id,
            ProgrammeVersion.season,
            ProgrammeVersion.number.desc(),
        )
    )
    return [
        version.id
        for version in session.scalars(latest)
        if compile_document(version.document, version.source).season.last >= today
    ]


def grant_under(session: Session, version_id: UUID, *, at: datetime) -> tuple[LineGrant, ...]:
    """Grant to people newly eligible under a version, unless a later one has replaced it."""
    version = session.get_one(ProgrammeVersion, version_id)
    lock_programme(session, version.programme_id)
    programme = compile_document(version.document, version.source)
    today = day_in(current_scheme(session).zone, at)
    if programme.season.last < today or version_id not in open_versions(session, today):
        return ()
    return grant_version(session, version, programme, at=at)


def grant_or_wait(session: Session, version_id: UUID, *, at: datetime) -> None:
    """Grant as `grant_under` does; where an envelope is short, note how many people wait for money.

    Nothing is tried again by the clock: money put into an envelope asks for the grants anew.
    """
    version = session.get_one(ProgrammeVersion, version_id)
    lock_programme(session, version.programme_id)
    try:
        with session.begin_nested():
            grant_under(session, version_id, at=at)
    except (EnvelopeInsufficient, EnvelopeMissing) as short:
        programme = compile_document(version.document, version.source)
        today = day_in(current_scheme(session).zone, at)
        waiting = set[UUID]().union(*_people_to_grant(session, programme, today).values())
        noted = {"people": len(waiting), "noticed_at": at}
        session.execute(
            insert(GrantShortage)
            .values(programme_version_id=version_id, **noted)
            .on_conflict_do_update(index_elements=["programme_version_id"], set_=noted)
        )
        logger().warning("grants_wait", version_id=str(version_id), error=short.code)


def _forget_shortage(session: Session, version: ProgrammeVersion) -> None:
    of_the_season = select(ProgrammeVersion.id).where(
        ProgrammeVersion.programme_id == version.programme_id,
        ProgrammeVersion.season == version.season,
    )
    session.execute(
        delete(GrantShortage).where(GrantShortage.programme_version_id.in_(of_the_season))
    )


def _people_to_grant(session: Session, programme: Programme, today: date) -> dict[str, list[UUID]]:
    places = range(len(programme.lines))
    gets = ", ".join(f"g{index}" for index in places)
    some = " OR ".join(f"g{index}" for index in places)
    wanted = f"SELECT beneficiary_id, {gets} FROM candidate WHERE {some} ORDER BY beneficiary_id"
    people: dict[str, list[UUID]] = {line.id: [] for line in programme.lines}
    lists = list(people.values())
    statement, parameters = candidates_query(programme, today, wanted)
    for beneficiary_id, *flags in session.execute(statement, parameters):
        for chosen, flag in zip(lists, flags, strict=True):
            if flag:
                chosen.append(beneficiary_id)
    return people


def _check_envelopes(session: Session, programme: Programme, grants: Mapping[str, int]) -> None:
    for need in envelope_needs(session, programme, grants):
        if need.available_cents is None:
            raise EnvelopeMissing(funder=need.funder)
        if need.available_cents < need.needed_cents:
            raise EnvelopeInsufficient(
                funder=need.funder,
                needed=format_cents(need.needed_cents),
                available=format_cents(need.available_cents),
                needed_cents=need.needed_cents,
                available_cents=need.available_cents,
            )


def _grant_line(
    session: Session,
    version: ProgrammeVersion,
    programme: Programme,
    line: BenefitLine,
    people: Sequence[UUID],
    zone: ZoneInfo,
    at: datetime,
) -> LineGrant:
    batch = GrantBatch(
        id=uuid7(at),
        programme_version_id=version.id,
        line=line.id,
        people=len(people),
        total_cents=len(people) * line.amount_cents,
        granted_at=at,
    )
    session.add(batch)
    session.flush()
    for chunk in _chunks(people):
        accounts = [uuid7(at) for _person in chunk]
        post_grants(
            session,
            accounts,
            [line.amount_cents] * len(chunk),
            share_plan_id=version.share_plan_id,
            correlation_id=batch.id,
            counts_at=at,
            at=at,
        )
        values = {
            "ids": [uuid7(at) for _person in chunk],
            "people": list(chunk),
            "accounts": accounts,
            "programme": version.programme_id,
            "version": version.id,
            "batch": batch.id,
            "season": version.season,
            "line": line.id,
            "envelope": version.paying_envelope_id,
            "priority": programme.priority_of(line),
            "valid_from": day_bounds(zone, programme.season.first)[0],
            "valid_until": day_bounds(zone, programme.season.last)[1],
            "amount_cents": line.amount_cents,
            "at": at,
        }
        session.execute(_INSERT, values)
    return LineGrant(line.id, batch.people, batch.total_cents)


def _chunks(people: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(people), CHUNK):
        yield people[start : start + CHUNK]
