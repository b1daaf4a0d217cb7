"""What the client keeps of its purchases: what it is about to ask, then what it was answered.

Written to the disk before anything is sent, so that a killed demonstration knows which answers it
is missing, and asks again with the same key and the same bytes.
"""

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A purchase as it was sent: its key, the shop, the bytes of the request."""

    key: str
    siret: str
    body: bytes


class Journal:
    """A file of one JSON object a line."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self.asked: dict[str, Asked] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        if file.exists():
            self._read(file)
        self._file = file.open("ab")

    def _read(self, file: Path) -> None:
        for line in file.read_bytes().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # the line that a kill cut short: what it said was not sent yet
            if "answer" in entry:
                self.answers[entry["key"]] = entry["answer"]
            else:
                asked = Asked(entry["key"], entry["siret"], entry["body"].encode())
                self.asked[asked.key] = asked

    def ask(self, asked: Asked) -> None:
        """Keep what is about to be sent."""
        self._write({"key": asked.key, "siret": asked.siret, "body": asked.body.decode()})
        self.asked[asked.key] = asked

    def answer(self, key: str, answer: dict[str, Any]) -> None:
        """Keep what was answered."""
        self._write({"key": key, "answer": answer})
        self.answers[key] = answer

    def unanswered(self) -> list[Asked]:
        """Return what was sent, perhaps, and never answered."""
        return [asked for key, asked in self.asked.items() if key not in self.answers]

    def _write(self, entry: dict[str, Any]) -> None:
        with self._lock:
            # A first newline ends a line that a kill may have cut.
            self._file.write(b"\n" + json.dumps(entry).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
