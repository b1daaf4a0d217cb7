"""Where a presentation comes from: a scanner, a camera, a simulation. One small interface."""

from typing import Protocol


class NothingPresented(Exception):
    """Nobody showed anything within the time allowed."""


class Reader(Protocol):
    """What every reader of QR texts can do."""

    def read(self, timeout_seconds: float) -> str:
        """Wait for one QR text and give it as it is, line ends removed and nothing else.

        :raises NothingPresented: when the time is over.
        """
        ...
