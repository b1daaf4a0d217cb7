"""Requests that move money outside entitlements: linked sets, batches, corrections, closings.

`judge` gives every reason that stands against a request (none: it must be accepted), `apply` changes the
book as the contract says and gives what the ledger must answer. Reasons are their stable codes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ledger import closings, corrections, transfers
from tests.ledger.model.book import LARGEST, POSTED_ALONE, Book, Line

PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True)
class Post:
    """Lines in one linked set, as the ledger's callers post them."""

    lines: tuple[Line, ...]
    at: datetime

    @property
    def touches(self) -> set[UUID]:
        return {account for line in self.lines for account in (line.debit, line.credit)}

    def new_transfers(self) -> list[transfers.NewTransfer]:
        return [
            transfers.NewTransfer(
                id=line.id, debit=line.debit, credit=line.credit, amount=line.amount,
                kind=line.kind, correlation_id=line.correlation, counts_at=line.counts_at,
                happened_at=line.happened_at,
            )
            for line in self.lines
        ]  # fmt: skip

    def run(self, session: Any) -> None:
        transfers.post(session, self.new_transfers(), at=self.at)

    def judge(self, book: Book) -> set[str]:
        known = [book.lines.get(line.id) for line in self.lines]
        if any(known):
            same = all(
                old is not None and old.content[:5] == line.content[:5]
                for old, line in zip(known, self.lines, strict=True)
            )
            return {"transfer_exists" if same else "transfer_exists_differently"} | self._codes(
                book
            )
        return self._codes(book)

    def _codes(self, book: Book) -> set[str]:
        codes = set()
        taken: dict[UUID, int] = {}
        for line in self.lines:
            codes |= book.against(line)
            if line.kind not in POSTED_ALONE:
                codes.add("movement_not_allowed")
            debit = book.accounts.get(line.debit)
            if (
                line.kind == "capture"
                and debit
                and (debit.kind == "backing" or debit.unit is not None)
            ):
                codes.add("movement_not_allowed")
            taken[line.debit] = taken.get(line.debit, 0) + line.amount
        if "unknown_account" not in codes and any(
            book.short(account, amount, self.at) for account, amount in taken.items()
        ):
            codes.add("insufficient_balance")
        return codes

    def apply(self, book: Book) -> None:
        for line in self.lines:
            book.move(line)


@dataclass(frozen=True)
class Batch:
    """Postings with a key each, and an outcome each, in one round trip."""

    items: tuple[tuple[str, bytes, Post], ...]
    at: datetime
    scope: str = "model"

    @property
    def touches(self) -> set[UUID]:
        return {account for _, _, post in self.items for account in post.touches}

    def run(self, session: Any) -> list[str]:
        connection = session.connection().connection.driver_connection
        return transfers.post_batch(
            connection,
            [
                transfers.Posting(
                    key=key, scope=self.scope, content_hash=content, transfers=post.new_transfers()
                )
                for key, content, post in self.items
            ],
            at=self.at,
        )

    def judge(self, book: Book) -> set[str]:
        return set()

    def apply(self, book: Book) -> list[set[str]]:
        """Each item as if it had come alone; every code that may be its outcome."""
        outcomes = []
        for key, content, post in self.items:
            kept = book.keys.get((self.scope, key))
            if kept is not None:
                same = kept[0] == content
                outcomes.append(kept[1] if same else {"idempotency_conflict"})
                continue
            outcome = post.judge(book) or {"posted"}
            if outcome == {"posted"}:
                post.apply(book)
            book.keys[self.scope, key] = (content, outcome)
            outcomes.append(outcome)
        return outcomes


@dataclass(frozen=True)
class CorrectFund:
    """A funding taken back in part."""

    fund: UUID
    line: Line
    at: datetime

    @property
    def touches(self) -> set[UUID]:
        return {self.line.debit, self.line.credit}

    def run(self, session: Any) -> None:
        corrections.correct_fund(
            session, self.fund, self.line.amount, correction_id=self.line.id,
            correlation_id=self.line.correlation, counts_at=self.line.counts_at, at=self.at,
        )  # fmt: skip

    def judge(self, book: Book) -> set[str]:
        old = book.lines.get(self.fund)
        if old is None or old.kind != "fund":
            return {"nothing_to_correct"}
        codes = book.against(self.line)
        if self.line.amount > book.left_of(self.fund):
            codes.add("corrects_too_much")
        if book.short(self.line.debit, self.line.amount, self.at):
            codes.add("insufficient_balance")
        return codes

    def apply(self, book: Book) -> None:
        book.take_back(self.fund, self.line.amount)
        book.move(self.line)


@dataclass(frozen=True)
class ReturnPayment:
    """The bank sends a payment back, or rejects it."""

    payment: UUID
    payable: UUID
    amount: int
    id: UUID
    correlation: UUID
    counts_at: datetime
    at: datetime
    touches: frozenset[UUID] = frozenset()

    def run(self, session: Any) -> None:
        corrections.return_payment(
            session, self.payment, self.amount, return_id=self.id, payable=self.payable,
            correlation_id=self.correlation, counts_at=self.counts_at, at=self.at,
        )  # fmt: skip

    def judge(self, book: Book) -> set[str]:
        codes = set()
        if not 0 < self.amount <= LARGEST:
            codes.add("amount_out_of_range")
        if self.counts_at < book.closed_before:
            codes.add("period_closed")
        old = book.lines.get(self.payment)
        if old is None or old.kind not in ("remit", "settle"):
            return codes | {"nothing_to_correct"}
        if self.amount > book.left_of(self.payment):
            codes.add("corrects_too_much")
        return codes

    def apply(self, book: Book) -> None:
        old = book.lines[self.payment]
        book.take_back(self.payment, self.amount)
        book.move(
            Line(
                old.credit, old.debit if old.kind == "remit" else self.payable, self.amount,
                "return", self.correlation, self.counts_at, self.id, frozenset({self.payment}),
            )
        )  # fmt: skip


@dataclass(frozen=True)
class Close:
    """Nothing may count before `before` any more."""

    before: datetime
    by: UUID
    at: datetime
    touches: frozenset[UUID] = frozenset()

    def run(self, session: Any) -> None:
        closings.close_books(session, self.before, zone=PARIS, by=self.by, at=self.at)
        closings.checkpoint_balances(session, self.before, at=self.at)

    def judge(self, book: Book) -> set[str]:
        codes = set()
        if self.before <= book.closed_before:
            codes.add("period_closed")
        if self.before > self.at or self.before.astimezone(PARIS).day != 1:
            codes.add("period_not_over")
        return codes

    def apply(self, book: Book) -> None:
        book.closings = (*book.closings, self.before)
