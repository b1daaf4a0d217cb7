"""What the tills saw, kept outside the house: one line an event, only ever appended.

Times are seconds of the machine's monotonic clock, so that they can be laid beside those of the kills.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Attempt:
    """One sending of a sale. ended: None while nothing has come back, neither an answer nor a loss."""

    key: str
    sent: float
    ended: float | None = None
    status: int | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether the till was left without knowing what has become of the sale."""
        return self.ended is not None and self.status is None


@dataclass
class Told:
    """What a till knows of one sale: what it asked, and every answer to it."""

    key: str
    terminal_id: str
    amount_cents: int
    answers: list[dict[str, Any]] = field(default_factory=list)
    answered_at: float | None = None


@dataclass
class Account:
    """A journal, read."""

    sales: dict[str, Told]
    attempts: list[Attempt]

    def unanswered(self) -> list[str]:
        """Return the keys of the sales that no answer has ever come to."""
        return [key for key, told in self.sales.items() if not told.answers]

    def in_flight(self, moment: float) -> list[Attempt]:
        """Return the attempts that had been sent and not come back at `moment`."""
        return [
            each
            for each in self.attempts
            if each.sent < moment and (each.ended is None or each.ended >= moment)
        ]

    def twins(self, moment: float) -> int:
        """Return how many sales were in flight twice at `moment`: a retry met its first attempt."""
        counts = Counter(each.key for each in self.in_flight(moment))
        return sum(count > 1 for count in counts.values())


class Journal:
    """A file of one JSON object a line. Safe for several threads."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._lines = file.open("ab")
        self._attempts = 0

    def ask(self, key: str, terminal_id: str, amount_cents: int) -> None:
        """Keep what is about to be asked."""
        self._write({"ask": key, "terminal": terminal_id, "cents": amount_cents})

    def send(self, key: str) -> int:
        """Keep that the sale is being sent; return the attempt's number."""
        with self._lock:
            self._attempts += 1
            number = self._attempts
        self._write({"send": number, "key": key})
        return number

    def answer(self, number: int, status: int, answer: dict[str, Any]) -> None:
        """Keep what came back."""
        self._write({"answer": number, "status": status, "body": answer})

    def lose(self, number: int, why: str) -> None:
        """Keep that nothing came back, or nothing that says what was done."""
        self._write({"lose": number, "why": why})

    def _write(self, event: dict[str, Any]) -> None:
        with self._lock:
            self._lines.write(json.dumps(event | {"at": time.monotonic()}).encode() + b"\n")
            self._lines.flush()

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


def read_journal(file: Path) -> Account:
    """Return what a journal says, in the order of its lines."""
    return _account(json.loads(line) for line in file.read_bytes().splitlines())


def _account(events: Iterable[dict[str, Any]]) -> Account:
    sales: dict[str, Told] = {}
    attempts: dict[int, Attempt] = {}
    for event in events:
        if "ask" in event:
            sales[event["ask"]] = Told(event["ask"], event["terminal"], event["cents"])
        elif "send" in event:
            attempts[event["send"]] = Attempt(event["key"], event["at"])
        elif "lose" in event:
            attempts[event["lose"]].ended = event["at"]
        else:
            attempt = attempts[event["answer"]]
            attempt.ended, attempt.status = event["at"], event["status"]
            told = sales[attempt.key]
            told.answers.append(event["body"])
            told.answered_at = told.answered_at or event["at"]
    return Account(sales, list(attempts.values()))
