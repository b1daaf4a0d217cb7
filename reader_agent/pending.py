"""Sales that were sent and whose answer is not known yet: one small file each.

A file is written before the request leaves and deleted when the answer is known, so a machine
that stops in the middle still knows what to ask for. It holds no QR and nothing about a person.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from .private_files import write_private


@dataclass(frozen=True)
class PendingSale:
    """A sale to ask about: its key, its amount, when it was last sent."""

    idempotency_key: str
    amount_cents: int
    last_sent_at: datetime


class PendingSales:
    """The folder `pending` of the agent's home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "pending"

    def keep(self, sale: PendingSale) -> None:
        """Write or rewrite a sale, on disk before it returns."""
        content = {
            "idempotency_key": sale.idempotency_key,
            "amount_cents": sale.amount_cents,
            "last_sent_at": sale.last_sent_at.isoformat(),
        }
        write_private(self._path(sale.idempotency_key), json.dumps(content).encode())

    def find(self, idempotency_key: str) -> PendingSale | None:
        """Give the sale of that key (a UUID), or None when its answer is known."""
        return _read(self._path(idempotency_key))

    def forget(self, idempotency_key: str) -> None:
        """Delete a sale whose answer is known."""
        self._path(idempotency_key).unlink(missing_ok=True)

    def all(self) -> list[PendingSale]:
        """Give the sales that wait, oldest first."""
        read = [_read(path) for path in self._folder.glob("*.json")]
        return sorted((sale for sale in read if sale), key=lambda sale: sale.last_sent_at)

    def _path(self, idempotency_key: str) -> Path:
        return self._folder / f"{UUID(idempotency_key)}.json"


def _read(path: Path) -> PendingSale | None:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        # Settled by another process in the meantime.
        return None
    return PendingSale(
        idempotency_key=content["idempotency_key"],
        amount_cents=content["amount_cents"],
        last_sent_at=datetime.fromisoformat(content["last_sent_at"]),
    )
