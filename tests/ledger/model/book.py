"""The ledger in plain Python: dicts and integers, written from the contract and not from its SQL.

A `Book` says for any request whether it may be posted and what it changes. It is small enough to be
forked for each order in which concurrent requests may have come.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

LARGEST = 2**53 - 1
NEVER = datetime(1, 1, 1, tzinfo=UTC)

MOVES = {
    "fund": {("funding", "envelope")},
    "grant": {("envelope", "entitlement"), ("envelope", "backing"), ("issued", "entitlement")},
    "regrant": {("envelope", "entitlement"), ("envelope", "backing"), ("issued", "entitlement")},
    "capture": {("entitlement", "payable"), ("backing", "payable"), ("entitlement", "used")},
    "release": {("backing", "envelope")},
    "expiry": {("entitlement", "envelope"), ("backing", "envelope"), ("entitlement", "issued")},
    "withdrawal": {("entitlement", "envelope"), ("backing", "envelope"), ("entitlement", "issued")},
    "correction": {("envelope", "funding")},
    "remit": {("payable", "in_transit"), ("in_transit", "payable")},
    "settle": {("in_transit", "paid")},
    "return": {("paid", "payable"), ("in_transit", "payable")},
}
POSTED_ALONE = {"fund", "capture", "remit", "settle"}


@dataclass(frozen=True)
class Account:
    """plan: the funders' (envelope, weight). unit: a ticket's face value. backing: its euro account."""

    id: UUID
    kind: str
    asset: str = "EUR"
    guarded: bool = False
    floor: int = 0
    plan: tuple[tuple[UUID, int], ...] = ()
    unit: int | None = None
    backing: UUID | None = None


@dataclass(frozen=True)
class Hold:
    """An amount set apart. It has lapsed from `lapses_at` on, whatever its state says."""

    id: UUID
    account: UUID
    credit: UUID
    amount: int
    several: bool
    lapses_at: datetime
    correlation: UUID
    captured: int = 0
    state: str = "open"

    @property
    def left(self) -> int:
        return self.amount - self.captured


@dataclass(frozen=True)
class Line:
    """One transfer. id: None where the ledger chooses it. corrects: a set of ids it may name."""

    debit: UUID
    credit: UUID
    amount: int
    kind: str
    correlation: UUID
    counts_at: datetime
    id: UUID | None = None
    corrects: frozenset[UUID] = frozenset()
    hold: UUID | None = None
    happened_at: datetime | None = None
    recorded_at: datetime | None = None

    @property
    def content(self) -> tuple:
        return (
            self.debit, self.credit, self.amount, self.kind, self.correlation, self.counts_at,
            self.hold, self.happened_at,
        )  # fmt: skip


@dataclass(frozen=True)
class TicketCapture:
    """What one capture of tickets moved, and what of it came back."""

    tickets: UUID
    payable: UUID
    count: int
    price: int
    released: int
    counted: int = 0
    priced: int = 0
    drawn: int = 0


def parts(plan: tuple[tuple[UUID, int], ...], amount: int) -> dict[UUID, int]:
    """What each funder bears: its rounded share (half up) of what those before it left."""
    borne = {}
    whole = sum(weight for _, weight in plan)
    for envelope, weight in plan:
        borne[envelope] = (2 * amount * weight + whole) // (2 * whole)
        amount -= borne[envelope]
        whole -= weight
    return borne


@dataclass
class Book:
    """All that the ledger knows. Values are never changed in place, so a fork copies dicts alone."""

    accounts: dict[UUID, Account] = field(default_factory=dict)
    balances: dict[UUID, int] = field(default_factory=dict)
    contributed: dict[UUID, int] = field(default_factory=dict)
    expired: dict[UUID, int] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    held_on: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    lines: dict[UUID, Line] = field(default_factory=dict)
    taken_back: dict[UUID, int] = field(default_factory=dict)
    ticket_captures: dict[UUID, TicketCapture] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[bytes, set[str]]] = field(default_factory=dict)
    closings: tuple[datetime, ...] = ()
    fresh: list[Line] = field(default_factory=list)

    def fork(self) -> Self:
        return type(self)(
            dict(self.accounts), dict(self.balances), dict(self.contributed), dict(self.expired),
            dict(self.holds), dict(self.held_on), dict(self.lines), dict(self.taken_back),
            dict(self.ticket_captures), dict(self.keys), self.closings, list(self.fresh),
        )  # fmt: skip

    @property
    def closed_before(self) -> datetime:
        return self.closings[-1] if self.closings else NEVER

    def open(self, account: Account) -> None:
        self.accounts[account.id] = account
        self.balances[account.id] = 0
        self.contributed[account.id] = 0

    def live_holds(self, account: UUID, at: datetime) -> Iterator[Hold]:
        for hold in map(self.holds.__getitem__, self.held_on.get(account, ())):
            if hold.state == "open" and hold.lapses_at > at:
                yield hold

    def free(self, account: UUID, at: datetime) -> int:
        """What may still leave a guarded account at this moment."""
        held = sum(hold.left for hold in self.live_holds(account, at))
        return self.balances[account] - held - self.accounts[account].floor

    def short(self, account: UUID, amount: int, at: datetime) -> bool:
        return self.accounts[account].guarded and self.free(account, at) < amount

    def against(self, line: Line) -> set[str]:
        """What stands against one line, whatever the balances are."""
        codes = set()
        if not 0 < line.amount <= LARGEST:
            codes.add("amount_out_of_range")
        if line.counts_at < self.closed_before:
            codes.add("period_closed")
        debit, credit = self.accounts.get(line.debit), self.accounts.get(line.credit)
        if debit is None or credit is None:
            return codes | {"unknown_account"}
        if debit.asset != credit.asset:
            codes.add("asset_mismatch")
        if (debit.kind, credit.kind) not in MOVES[line.kind]:
            codes.add("movement_not_allowed")
        return codes

    def move(self, line: Line) -> None:
        self.balances[line.debit] -= line.amount
        self.balances[line.credit] += line.amount
        self.fresh.append(line)

    def put_in(self, account: UUID, amount: int, line: Line) -> None:
        """Funders put `amount` into an entitlement or backing: `line` says all but who and how much."""
        for envelope, part in self.shares(account, amount).items():
            self.move(replace(line, debit=envelope, credit=account, amount=part))
        self.contributed[account] += amount

    def give_up(
        self, account: UUID, amount: int, line: Line, *, source: UUID | None = None
    ) -> None:
        """`amount` of what funders contributed goes back to them, from the account or `source`."""
        for envelope, part in self.shares(account, -amount).items():
            self.move(replace(line, debit=source or account, credit=envelope, amount=-part))
        self.contributed[account] -= amount

    def shares(self, account: UUID, amount: int) -> dict[UUID, int]:
        """Who bears a change by `amount` of what is contributed to an account; nobody bears nothing."""
        plan, now = self.accounts[account].plan, self.contributed[account]
        before, after = parts(plan, now), parts(plan, now + amount)
        return {
            envelope: after[envelope] - before[envelope]
            for envelope, _ in plan
            if after[envelope] != before[envelope]
        }

    def funders_short(self, account: UUID, amount: int, at: datetime) -> bool:
        return any(self.short(who, part, at) for who, part in self.shares(account, amount).items())

    def put_hold(self, hold: Hold) -> None:
        self.holds[hold.id] = hold
        self.held_on[hold.account] = (*self.held_on.get(hold.account, ()), hold.id)

    def left_of(self, line_id: UUID) -> int:
        """What of a line hasn't been taken back."""
        return self.lines[line_id].amount - self.taken_back.get(line_id, 0)

    def take_back(self, line_id: UUID, amount: int) -> None:
        self.taken_back[line_id] = self.taken_back.get(line_id, 0) + amount

    def naming(self, kinds: Iterable[str], account: UUID) -> frozenset[UUID]:
        """The lines of these kinds that touch an account."""
        return frozenset(
            each for each, line in self.lines.items()
            if line.kind in kinds and account in (line.debit, line.credit)
        )  # fmt: skip
