"""The loop that seals: a thread of the worker, every few seconds, with a checkpoint each minute.

A thread and not a job: a job's row a round would be 17,000 a day, and a queue behind others' work would
make the seal late when it matters most. Any number of workers may run it: one seals, the others find
its lock taken and come back later. It lives through every failure: the next round takes what this one
left.
"""

import threading
import time

from ledger.checkpoints import sign_checkpoint
from ledger.reasons import NothingSealed
from ledger.sealing import seal
from sesame.platform.clock import Clock
from sesame.platform.database import Database
from sesame.platform.log import logger
from sesame.platform.problems import SesameError
from sesame.platform.settings import Settings

SEAL_EVERY_SECONDS = 5.0


def start_sealer(
    database: Database,
    settings: Settings,
    clock: Clock,
    every_seconds: float = SEAL_EVERY_SECONDS,
) -> threading.Thread:
    """Start sealing now and then in a thread of this process, and return it."""
    never = threading.Event()
    sealer = Sealer(database, settings, clock)

    def run() -> None:
        while True:
            sealer.turn()
            never.wait(every_seconds)

    thread = threading.Thread(target=run, name="sealer", daemon=True)
    thread.start()
    return thread


class Sealer:
    """One process's sealing: each turn seals, and signs a checkpoint when it is time for one."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._signed = float("-inf")

    def turn(self) -> None:
        """Seal what is new, and sign it if the last signing is long enough ago. Never raises."""
        try:
            seal(self._database, at=self._clock.now())
            if time.monotonic() - self._signed >= self._settings.checkpoint_seconds:
                sign_checkpoint(self._database, self._settings, at=self._clock.now())
                self._signed = time.monotonic()
        except NothingSealed:
            return
        except Exception as failure:  # the database is away, or the log was changed: it is told
            code = failure.code if isinstance(failure, SesameError) else type(failure).__name__
            logger().error("seal_failed", error=code)
