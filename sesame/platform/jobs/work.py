"""Running jobs: each in its own unit of work, claimed by its row, tried again later when it fails."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from sesame.platform.clock import Clock
from sesame.platform.database.connection import Database
from sesame.platform.database.unit_of_work import unit_of_work
from sesame.platform.jobs.model import Job
from sesame.platform.jobs.queue import announce, enqueue_recurring, registered_jobs
from sesame.platform.log import logger
from sesame.platform.problems import SesameError

MAX_ATTEMPTS = 10
ANNOUNCE_AGAIN_AFTER = timedelta(seconds=30)
# The error code of a job whose last attempt never came back.
WORKER_LOST = "worker_lost"


def run_job(database: Database, clock: Clock, job_id: UUID) -> bool:
    """Run one waiting job; return whether it was run to its end now.

    False: it is done already, isn't due, is being run by another worker, or failed and will be tried
    again. The handler's work and the row's `done` commit together, so a job is done exactly once
    however often it is announced.
    """
    attempt = _count_attempt(database, clock, job_id)
    if attempt is None:
        return False
    now = clock.now()
    try:
        with unit_of_work(database) as session:
            row = _claim(session, job_id, attempt)
            if row is None:
                return False
            registered_jobs()[row.name](session, now, **row.arguments)
            row.state = "done"
            row.finished_at = clock.now()
        return True
    except Exception as failure:  # a job must never take its worker down with it
        _note_failure(database, clock, job_id, attempt, failure)
        return False


def sweep(database: Database, clock: Clock) -> int:
    """Add the recurring jobs whose time has come, and announce every due job that was not announced
    lately; return how many.
    """
    now = clock.now()
    with unit_of_work(database) as session:
        enqueue_recurring(session, now)
    with unit_of_work(database) as session:
        stale = or_(Job.announced_at.is_(None), Job.announced_at < now - ANNOUNCE_AGAIN_AFTER)
        due = (
            select(Job.id)
            .where(Job.state == "waiting", Job.due_at <= now, stale)
            .order_by(Job.due_at)
            .limit(500)
            .with_for_update(skip_locked=True)
        )
        job_ids = list(session.scalars(due))
        session.execute(update(Job).where(Job.id.in_(job_ids)).values(announced_at=now))
    for job_id in job_ids:
        announce(job_id)
    return len(job_ids)


def _count_attempt(database: Database, clock: Clock, job_id: UUID) -> int | None:
    """Count one more attempt at a waiting job, and return which it is; None: there is none to make.

    Committed before the job runs, so that a job that kills its worker isn't run for ever: the row
    says by then when it is to be tried again, and after the last attempt it is `failed`.
    """
    now = clock.now()
    with unit_of_work(database) as session:
        wanted = select(Job).where(Job.id == job_id, Job.state == "waiting", Job.due_at <= now)
        row = session.scalar(wanted.with_for_update(skip_locked=True))
        if row is None:
            return None
        if row.attempts >= MAX_ATTEMPTS:
            row.state = "failed"
            row.error_code = WORKER_LOST
            row.finished_at = now
            logger().error("job_failed", job=row.name, job_id=str(job_id), error=WORKER_LOST)
            return None
        row.attempts += 1
        _try_again_later(row, now)
        return row.attempts


def _claim(session: Session, job_id: UUID, attempt: int) -> Job | None:
    """Lock the job for this attempt; None when another worker has taken it since."""
    wanted = select(Job).where(Job.id == job_id, Job.state == "waiting", Job.attempts == attempt)
    return session.scalar(wanted.with_for_update(skip_locked=True))


def _note_failure(
    database: Database, clock: Clock, job_id: UUID, attempt: int, failure: Exception
) -> None:
    code = failure.code if isinstance(failure, SesameError) else type(failure).__name__
    now = clock.now()
    with unit_of_work(database) as session:
        row = session.get(Job, job_id, with_for_update=True)
        if row is None or row.state != "waiting" or row.attempts != attempt:
            return
        row.error_code = code
        _try_again_later(row, now)
        if attempt >= MAX_ATTEMPTS:
            row.state = "failed"
            row.finished_at = now
        logger().error("job_failed", job=row.name, job_id=str(job_id), error=code)


def _try_again_later(row: Job, now: datetime) -> None:
    """Have the job announced again once its wait is over: 2 s, then twice as long each time."""
    row.announced_at = None
    row.due_at = now + timedelta(seconds=min(2**row.attempts, 3600))
