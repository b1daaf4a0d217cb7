"""Who commits: the route, the command or the job that opened the unit of work, and nobody else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from sesame.platform.database.connection import Database
from sesame.platform.log import logger

_AFTER_COMMIT = "after_commit"


@contextmanager
def unit_of_work(database: Database) -> Iterator[Session]:
    """Yield a session; commit it at the end, roll back on any exception.

    What is to happen outside the database (a job's wake-up, a mail) is a row written inside, and is
    sent by what `after_commit` was given. Nothing remote happens before the commit.
    """
    with database.sessions() as session:
        yield session
        session.commit()
        for action in session.info.pop(_AFTER_COMMIT, []):
            _do(action)


def _do(action: Callable[[], None]) -> None:
    """Call `action`: what it does wrong can't undo the commit, so it must not look as if it had."""
    try:
        action()
    except Exception as failure:
        logger().error("after_commit_failed", error=type(failure).__name__)


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Have `action` called once the session's unit of work has committed.

    The action must be harmless to lose: whatever it announces is already a row that a sweeper finds.
    """
    session.info.setdefault(_AFTER_COMMIT, []).append(action)
