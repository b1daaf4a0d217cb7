"""From a few small numbers that Hypothesis draws to a request that means something in a book.

An `Action` names no account: it picks among those that the book has at that moment, so that a failing
history can lose any of its steps and still be played. `odd` makes one action in seven a bad one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from uuid import UUID

from hypothesis import strategies as st

from tests.ledger.model.book import Book, Line

KINDS = {
    "fund": 3, "correct_fund": 2,
    "grant": 8, "grant_tickets": 3,
    "reserve": 11,
    "capture": 5, "capture_hold": 5, "capture_tickets": 3, "batch": 3,
    "void": 7, "lapse": 2,
    "give_back": 8, "give_back_tickets": 3,
    "expire": 6, "withdraw": 6,
    "regrant": 11,
    "remit": 5, "settle": 3, "return": 3,
    "close": 9,
}  # fmt: skip
GROUPS = {
    "fund": "fund", "correct_fund": "fund", "grant": "grant", "grant_tickets": "grant",
    "reserve": "hold", "capture": "capture", "capture_hold": "capture",
    "capture_tickets": "capture", "batch": "capture", "void": "void or lapse",
    "lapse": "void or lapse", "give_back": "refund or cancel", "give_back_tickets": "refund or cancel",
    "expire": "expiry or withdrawal", "withdraw": "expiry or withdrawal", "regrant": "regrant",
    "remit": "payment or return", "settle": "payment or return", "return": "payment or return",
    "close": "closing",
}  # fmt: skip
ODD_FROM, ODDS = 18, 23
TICKETS = {"CINEMA": (650, 999), "IN_KIND": (0,)}


@dataclass(frozen=True)
class Action:
    """What somebody does: on which connection, with what, how much, how long after the last."""

    kind: str
    hand: int
    pick: int
    other: int
    size: int
    odd: int


actions = st.builds(
    Action,
    kind=st.sampled_from([kind for kind, weight in KINDS.items() for _ in range(weight)]),
    hand=st.integers(0, 2),
    pick=st.integers(0, 11),
    other=st.integers(0, 11),
    size=st.integers(0, 63),
    odd=st.integers(0, ODDS - 1),
)


@dataclass
class World:
    """The accounts that every history starts with."""

    now: datetime
    season: int
    funding: UUID
    envelopes: list[UUID]
    payables: list[UUID]
    in_transit: UUID
    paid: UUID
    issued: dict[str, UUID]
    used: dict[str, UUID]
    plans: list[tuple[UUID, tuple[tuple[UUID, int], ...]]]
    numbers: count = field(default_factory=count)

    def asset(self, kind: str) -> str:
        """A ticket asset of this history alone: each asset has one account that issues it."""
        return f"{kind}_{self.season}"

    def new_id(self) -> UUID:
        """A UUIDv7 of this moment, the same at each playing of a history."""
        noise = sha256(str(next(self.numbers)).encode()).digest()
        whole = (int(self.now.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62)
        return UUID(int=whole | int.from_bytes(noise[:7]) | (noise[8] << 64))


@dataclass(frozen=True)
class Choice:
    action: Action
    book: Book
    world: World

    @property
    def odd(self) -> int:
        """0 for an honest action, else the number of its oddity."""
        return max(0, self.action.odd - ODD_FROM + 1)

    @property
    def counts_at(self) -> datetime:
        """Now, some days ago in the open months, or (the first oddity) in a closed one."""
        now, closed = self.world.now, self.book.closed_before
        if self.odd == 1 and self.book.closings:
            return closed - timedelta(microseconds=1)
        return (
            max(closed, now - timedelta(days=self.action.other % 4)) if self.book.closings else now
        )

    @property
    def late(self) -> datetime | None:
        """The own date of a sale that comes so late that its month is closed."""
        if self.book.closings and self.action.other == 11:
            return self.book.closed_before - timedelta(days=3)
        return None

    def one_of(self, things: Sequence, at: int | None = None):
        return things[(self.action.pick if at is None else at) % len(things)]

    def entitlements(self, *, tickets: bool = False) -> list[UUID]:
        """The latest ones, those first that have something left."""
        kept = [
            each.id for each in self.book.accounts.values()
            if each.kind == "entitlement" and (each.unit is not None) is tickets
        ][-8:]  # fmt: skip
        return [e for e in kept if self.book.free(e, self.world.now) > 0] or kept

    def some(self, most: int, oddity: int = 2) -> int:
        """An honest part of `most`, or an amount that can't be."""
        if self.odd == oddity:
            return (
                most + 1 + self.action.size % 3
                if self.action.size < 40
                else 0
                if most % 2
                else 2**63
            )
        return max(1, most * (self.action.size % 8 + 1) // 8)

    def base(self) -> dict:
        return {
            "correlation": self.world.new_id(), "counts_at": self.counts_at, "at": self.world.now
        }  # fmt: skip

    def line(self, debit: UUID, credit: UUID, amount: int, kind: str, **more) -> Line:
        return Line(
            debit, credit, amount, kind, self.world.new_id(), self.counts_at, self.world.new_id(),
            **more,
        )  # fmt: skip
