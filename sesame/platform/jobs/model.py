"""The table of jobs: what is to be done, and what was."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from sesame.platform.database.columns import Base, plain


class Job(Base):
    """One thing to do. Arguments are opaque ids only; a job done stays as its own record."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'done', 'failed')", name="state"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index("ix_job_waiting", "due_at", postgresql_where="state = 'waiting'"),
        {"schema": "platform"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    name: Mapped[str] = plain()
    arguments: Mapped[dict[str, Any]] = plain()
    state: Mapped[str] = plain(default="waiting")
    attempts: Mapped[int] = plain(default=0)
    created_at: Mapped[datetime] = plain()
    due_at: Mapped[datetime] = plain()
    announced_at: Mapped[datetime | None] = plain()
    finished_at: Mapped[datetime | None] = plain()
    error_code: Mapped[str | None] = plain()


class RecurringJob(Base):
    """When a recurring job was last added to the jobs."""

    __tablename__ = "recurring_job"
    __table_args__ = ({"schema": "platform"},)

    name: Mapped[str] = plain(primary_key=True)
    enqueued_at: Mapped[datetime] = plain()
