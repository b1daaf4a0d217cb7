"""Naming jobs and asking for one: a row inside the unit of work, a wake-up after its commit."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from sesame.platform.database.unit_of_work import after_commit
from sesame.platform.ids import uuid7
from sesame.platform.jobs.model import Job, RecurringJob
from sesame.platform.log import logger

Handler = Callable[..., None]
_HANDLERS: dict[str, Handler] = {}
_EVERY: dict[str, timedelta] = {}
_announcer: Callable[[UUID], None] | None = None


def job(name: str, *, every: timedelta | None = None) -> Callable[[Handler], Handler]:
    """Register the decorated function as the handler of the job `name` ("feature.what_it_does").

    every: run it again and again, that far apart, as long as a worker sweeps; it takes no arguments.
    The handler is called as `handler(session, at, **arguments)` in a unit of work of its own. It may
    be called twice for the same job: it must be idempotent, and short (long work enqueues its next
    piece).
    """

    def register(handler: Handler) -> Handler:
        if _HANDLERS.setdefault(name, handler) is not handler:
            raise ValueError(f"job {name!r} has two handlers")
        if every is not None:
            _EVERY[name] = every
        return handler

    return register


def registered_jobs() -> dict[str, Handler]:
    """Return the handlers by name."""
    return dict(_HANDLERS)


def enqueue_recurring(session: Session, at: datetime) -> None:
    """Add each recurring job whose time has come since it was last added; the done one before is dropped.

    Two workers that ask at once add it once: the second waits for the first's row, and sees it.
    """
    for name, every in sorted(_EVERY.items()):
        due = insert(RecurringJob).values(name=name, enqueued_at=at)
        due = due.on_conflict_do_update(
            index_elements=[RecurringJob.name],
            set_={"enqueued_at": at},
            where=RecurringJob.enqueued_at <= at - every,
        )
        if session.execute(due.returning(RecurringJob.name)).first() is not None:
            session.execute(delete(Job).where(Job.name == name, Job.state == "done"))
            enqueue_once(session, name, at=at)


def announce_with(announcer: Callable[[UUID], None] | None) -> None:
    """Set how a committed job is announced to the workers (done once by `sesame.app`)."""
    global _announcer
    _announcer = announcer


def enqueue(session: Session, name: str, *, at: datetime, **arguments: str | int) -> UUID:
    """Add a job to be run once the unit of work has committed. Returns its id.

    arguments: opaque ids and numbers only, never a person's data. Raises KeyError for a name that
    nobody handles.
    """
    if name not in _HANDLERS:
        raise KeyError(f"no handler for the job {name!r}")
    job_id = uuid7(at)
    session.add(
        Job(
            id=job_id,
            name=name,
            arguments=arguments,
            state="waiting",
            attempts=0,
            created_at=at,
            due_at=at,
        )
    )
    session.flush()
    after_commit(session, lambda: announce(job_id))
    return job_id


def enqueue_once(session: Session, name: str, *, at: datetime, **arguments: str | int) -> UUID:
    """Add a job as `enqueue` does, unless the same one waits and nobody has started it; return its id.

    For work that looks at everything there is when it runs: whoever asks while one waits is served by
    it. The waiting row stays locked until the unit of work ends, so it can't run before what was
    written here is there to be seen; one that a worker holds already is passed by.
    """
    waiting = (
        select(Job.id)
        .where(
            Job.name == name, Job.arguments == arguments, Job.state == "waiting", Job.attempts == 0
        )
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    job_id = session.scalar(waiting)
    if job_id is None:
        return enqueue(session, name, at=at, **arguments)
    # Whoever was told of it meanwhile found it locked, and let it be.
    after_commit(session, lambda: announce(job_id))
    return job_id


def announce(job_id: UUID) -> None:
    """Tell the workers of a committed job. A broker that can't be reached loses nothing."""
    if _announcer is None:
        return
    try:
        _announcer(job_id)
    except Exception as failure:  # whatever the broker's client raises: the sweeper finds the row
        logger().warning("job_not_announced", job_id=str(job_id), error=type(failure).__name__)
