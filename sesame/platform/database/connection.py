"""Reaching the database: the embedded server or any other, through one SQLAlchemy engine a process."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from sesame.platform.database.embedded import EmbeddedServer
from sesame.platform.settings import Settings

OWNER_ROLE = "sesame_owner"
APPLICATION_ROLE = "sesame_app"
READER_ROLE = "sesame_reader"


@dataclass(frozen=True)
class Database:
    """One scheme's database, seen by one role. Made once a process."""

    url: str
    pool_size: int = 16
    impatient: bool = False
    """For those who answer someone who waits: a lock that isn't had within 5 s is given up (55P03), a
    transaction left open and idle for 30 s is ended. Commands and jobs wait as long as it takes."""

    @cached_property
    def engine(self) -> Engine:
        """The SQLAlchemy engine (psycopg 3, READ COMMITTED, prepared after the first use)."""
        options = "-c timezone=UTC"
        if self.impatient:
            options += " -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s"
        return create_engine(
            self.url.replace("postgresql://", "postgresql+psycopg://", 1),
            pool_size=self.pool_size,
            max_overflow=self.pool_size,
            pool_pre_ping=False,
            pool_recycle=1800,
            # An error's message would quote the values of a statement: they may be a person's.
            hide_parameters=True,
            connect_args={"options": options, "prepare_threshold": 1},
        )

    @cached_property
    def sessions(self) -> sessionmaker[Session]:
        """Makes sessions; use `unit_of_work` instead, which says who commits."""
        return sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def one_statement(self) -> Iterator[psycopg.Connection[Any]]:
        """Yield a pooled psycopg connection in autocommit: each statement is its own transaction.

        For the purchase path, where a transaction is one call of a server-side function.
        """
        with self.engine.connect() as pooled:
            connection = pooled.connection.driver_connection
            assert isinstance(connection, psycopg.Connection)  # noqa: S101  narrows the type
            try:
                if not connection.autocommit:
                    connection.autocommit = True
                yield connection
            except psycopg.OperationalError:
                if connection.closed:
                    _tell_of_disconnect(pooled)
                raise
            finally:
                if not connection.closed:
                    if connection.info.transaction_status is not TransactionStatus.IDLE:
                        connection.rollback()  # a transaction opened by hand, and not ended
                    connection.autocommit = False

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def embedded_server(settings: Settings) -> EmbeddedServer:
    """Return the embedded server of this installation (not started)."""
    return EmbeddedServer(settings.data_dir / "postgres")


def open_database(
    settings: Settings, role: str = APPLICATION_ROLE, *, serving: bool = False
) -> Database:
    """Return the database for `role`; starts the embedded server where there is no outside one.

    serving: for a web process. Each of its threads may hold two connections at once.
    """
    url = database_url(settings, role)
    if not serving:
        return Database(url)
    return Database(url, max(Database.pool_size, 2 * settings.web_threads), impatient=True)


def database_url(settings: Settings, role: str = APPLICATION_ROLE) -> str:
    """Return the address of the database for `role`; starts the embedded server if it is the one."""
    if settings.database_url is None:
        server = embedded_server(settings)
        server.start()
        return server.url(role)
    if role == OWNER_ROLE:
        return settings.database_owner_url or settings.database_url
    return settings.database_url


def _tell_of_disconnect(dead: Connection) -> None:
    """Have SQLAlchemy see for itself that this connection is dead.

    It then takes all others of the pool for dead as well, and makes each anew at its next checkout:
    the server has most likely restarted. It sees nothing of what goes through the driver directly.
    """
    with suppress(DBAPIError):
        dead.exec_driver_sql("SELECT 1")
