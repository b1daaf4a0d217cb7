"""Requests about holds."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ledger import holds
from tests.ledger.model.book import LARGEST, Book, Hold, Line


@dataclass(frozen=True)
class Reserve:
    """Holds, all or none."""

    wanted: tuple[Hold, ...]
    at: datetime

    @property
    def touches(self) -> set[UUID]:
        return {hold.account for hold in self.wanted}

    def run(self, session: Any) -> None:
        holds.reserve(
            session,
            [
                holds.NewHold(
                    id=each.id, account=each.account, credit=each.credit, amount=each.amount,
                    lapses_at=each.lapses_at, correlation_id=each.correlation,
                    several=each.several,
                )
                for each in self.wanted
            ],
            at=self.at,
        )  # fmt: skip

    def judge(self, book: Book) -> set[str]:
        codes = set()
        asked: dict[UUID, int] = {}
        for hold in self.wanted:
            if not 0 < hold.amount <= LARGEST:
                codes.add("amount_out_of_range")
            if hold.lapses_at <= self.at:
                codes.add("hold_lapsed")
            debit, credit = book.accounts.get(hold.account), book.accounts.get(hold.credit)
            if debit is None or credit is None:
                codes.add("unknown_account")
                continue
            if debit.asset != credit.asset:
                codes.add("asset_mismatch")
            if (debit.kind, credit.kind) != ("entitlement", "payable"):
                codes.add("movement_not_allowed")
            asked[hold.account] = asked.get(hold.account, 0) + hold.amount
        if any(book.short(account, amount, self.at) for account, amount in asked.items()):
            codes.add("insufficient_balance")
        return codes

    def apply(self, book: Book) -> None:
        for hold in self.wanted:
            book.put_hold(hold)


def against_hold(book: Book, hold_id: UUID, at: datetime) -> set[str]:
    """Why a hold can't be captured or voided at a moment."""
    hold = book.holds.get(hold_id)
    if hold is None:
        return {"hold_unknown"}
    if hold.state != "open":
        return {"hold_ended"}
    return {"hold_lapsed"} if hold.lapses_at <= at else set()


@dataclass(frozen=True)
class CaptureHold:
    """A capture of a hold, in full or in part."""

    hold: UUID
    account: UUID
    amount: int
    id: UUID
    counts_at: datetime
    at: datetime
    happened_at: datetime | None = None

    @property
    def touches(self) -> set[UUID]:
        return {self.account}

    def run(self, session: Any) -> None:
        holds.capture_hold(
            session, self.hold, self.amount, transfer_id=self.id, counts_at=self.counts_at,
            at=self.at, happened_at=self.happened_at,
        )  # fmt: skip

    def judge(self, book: Book) -> set[str]:
        codes = against_hold(book, self.hold, self.at)
        if not 0 < self.amount <= LARGEST:
            codes.add("amount_out_of_range")
        if self.counts_at < book.closed_before:
            codes.add("period_closed")
        if self.hold in book.holds and self.amount > book.holds[self.hold].left:
            codes.add("hold_exceeded")
        return codes

    def apply(self, book: Book) -> None:
        hold = book.holds[self.hold]
        hold = replace(hold, captured=hold.captured + self.amount)
        if not hold.several or not hold.left:
            hold = replace(hold, state="captured")
        book.holds[self.hold] = hold
        book.move(
            Line(
                hold.account, hold.credit, self.amount, "capture", hold.correlation,
                self.counts_at, self.id, hold=hold.id, happened_at=self.happened_at,
            )
        )  # fmt: skip


@dataclass(frozen=True)
class VoidHold:
    """The end of a hold by its owner."""

    hold: UUID
    account: UUID
    at: datetime

    @property
    def touches(self) -> set[UUID]:
        return {self.account}

    def run(self, session: Any) -> None:
        holds.void_hold(session, self.hold, at=self.at)

    def judge(self, book: Book) -> set[str]:
        return against_hold(book, self.hold, self.at)

    def apply(self, book: Book) -> None:
        book.holds[self.hold] = replace(book.holds[self.hold], state="voided")


@dataclass(frozen=True)
class LapseHolds:
    """The tidying of holds that have lapsed: nothing that anybody can see changes."""

    at: datetime
    touches: frozenset[UUID] = frozenset()

    def run(self, session: Any) -> None:
        holds.lapse_holds(session, at=self.at)

    def judge(self, book: Book) -> set[str]:
        return set()

    def apply(self, book: Book) -> None:
        """Change nothing: a hold has lapsed by its date."""
