"""`sesame worker` with two more jobs: started by test_worker.py as a process of its own."""

import os
import signal
import socket
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from sesame.cli import main
from sesame.platform.jobs import job


@job("invented.mark")
def mark(session: Session, at: datetime, *, effect: str) -> None:
    session.execute(text("INSERT INTO effect VALUES (:effect)"), {"effect": effect})


@job("invented.ask_first")
def ask_first(session: Session, at: datetime, *, effect: str, port: int) -> None:
    """Work, then wait for the test's word in the middle of it."""
    mark(session, at, effect=effect)
    with socket.create_connection(("127.0.0.1", port)) as test:
        test.recv(1)


@job("invented.kill_worker")
def kill_worker(session: Session, at: datetime) -> None:
    """End this process as the kernel does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
