"""A reader with no device: what is presented to it by a program is what it reads."""

import queue

from . import NothingPresented


class SimulatedReader:
    """Reads texts in the order in which they were presented. May be shared by threads."""

    def __init__(self) -> None:
        self._presented: queue.SimpleQueue[str] = queue.SimpleQueue()

    def present(self, text: str) -> None:
        """Hold a QR in front of the reader. A line end, as scanners add, is removed."""
        # Never strip(): a QR text may end in a space.
        self._presented.put(text.rstrip("\r\n"))

    def read(self, timeout_seconds: float) -> str:
        """Give the next text. :raises NothingPresented: when the time is over."""
        try:
            return self._presented.get(timeout=timeout_seconds)
        except queue.Empty:
            raise NothingPresented from None
