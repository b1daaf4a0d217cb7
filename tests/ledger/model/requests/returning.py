"""Requests that use tickets, and those that give captures back."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ledger import corrections, tickets
from tests.ledger.model.book import LARGEST, Book, Line, TicketCapture


@dataclass(frozen=True)
class GiveBack:
    """A refund or cancellation of a capture in euros."""

    capture: UUID
    account: UUID
    amount: int
    kind: str
    to_funders: bool
    id: UUID
    correlation: UUID
    counts_at: datetime
    at: datetime

    @property
    def touches(self) -> set[UUID]:
        return {self.account}

    def run(self, session: Any) -> None:
        more = {
            "correlation_id": self.correlation, "counts_at": self.counts_at, "at": self.at,
            "to_funders": self.to_funders,
        }  # fmt: skip
        if self.kind == "refund":
            corrections.refund(session, self.capture, self.amount, refund_id=self.id, **more)
        else:
            corrections.cancel(session, self.capture, self.amount, cancellation_id=self.id, **more)

    def judge(self, book: Book) -> set[str]:
        codes = set()
        if not 0 < self.amount <= LARGEST:
            codes.add("amount_out_of_range")
        old = book.lines.get(self.capture)
        if old is None or old.kind != "capture" or self.capture_of_tickets(book, old):
            return codes | {"nothing_to_correct"}
        if self.amount > book.left_of(self.capture):
            codes.add("corrects_too_much")
        if self.counts_at < book.closed_before:
            codes.add("period_closed")
        return codes

    @staticmethod
    def capture_of_tickets(book: Book, old: Line) -> bool:
        account = book.accounts[old.debit]
        return account.kind == "backing" or account.unit is not None

    def apply(self, book: Book) -> None:
        old = book.lines[self.capture]
        book.take_back(self.capture, self.amount)
        line = Line(
            old.credit, old.debit, self.amount, self.kind, self.correlation, self.counts_at,
            corrects=frozenset({self.capture}),
        )  # fmt: skip
        if self.to_funders:
            book.give_up(old.debit, self.amount, line, source=old.credit)
        else:
            book.move(replace(line, id=self.id))


@dataclass(frozen=True)
class CaptureTickets:
    """Tickets used at a price that their face value covers."""

    account: UUID
    count: int
    payable: UUID
    price: int
    used: UUID
    correlation: UUID
    counts_at: datetime
    at: datetime

    @property
    def touches(self) -> set[UUID]:
        return {self.account}

    def run(self, session: Any) -> None:
        tickets.capture_tickets(
            session, self.account, self.count, payable=self.payable, price_cents=self.price,
            correlation_id=self.correlation, counts_at=self.counts_at, at=self.at,
        )  # fmt: skip

    def judge(self, book: Book) -> set[str]:
        codes = set()
        if not 0 < self.count <= LARGEST or not 0 <= self.price <= LARGEST:
            codes.add("amount_out_of_range")
        if self.counts_at < book.closed_before:
            codes.add("period_closed")
        account = book.accounts.get(self.account)
        if account is None or account.unit is None:
            return codes | {"unknown_account"}
        if self.price > 0 and self.payable not in book.accounts:
            codes.add("unknown_account")
        if self.price > self.count * account.unit:
            codes.add("price_above_face_value")
        if book.short(self.account, self.count, self.at):
            codes.add("insufficient_balance")
        return codes

    def apply(self, book: Book) -> None:
        account = book.accounts[self.account]
        line = Line(
            self.account, self.used, self.count, "capture", self.correlation, self.counts_at
        )
        book.move(line)
        released = self.count * account.unit - self.price
        if account.backing:
            if self.price:
                book.move(
                    replace(line, debit=account.backing, credit=self.payable, amount=self.price)
                )
            book.give_up(account.backing, released, replace(line, kind="release"))
        book.ticket_captures[self.correlation] = TicketCapture(
            self.account, self.payable, self.count, self.price, released
        )


@dataclass(frozen=True)
class GiveBackTickets:
    """Tickets of a capture returned, with a price that the payable gives back."""

    capture: UUID
    captured: tuple[UUID, ...]
    account: UUID
    count: int
    price: int
    to_funders: bool
    used: UUID
    correlation: UUID
    counts_at: datetime
    at: datetime

    @property
    def touches(self) -> set[UUID]:
        return {self.account}

    def run(self, session: Any) -> None:
        tickets.refund_tickets(
            session, self.captured, self.count, price_cents=self.price,
            correlation_id=self.correlation, counts_at=self.counts_at, at=self.at,
            to_funders=self.to_funders,
        )  # fmt: skip

    def judge(self, book: Book) -> set[str]:
        codes = set()
        if not 0 < self.count <= LARGEST or not 0 <= self.price <= LARGEST:
            codes.add("amount_out_of_range")
        if self.counts_at < book.closed_before:
            codes.add("period_closed")
        old = book.ticket_captures.get(self.capture)
        if old is None:
            return codes | {"nothing_to_correct"}
        unit = book.accounts[old.tickets].unit
        if self.price > self.count * unit:
            codes.add("price_above_face_value")
        if old.counted + self.count > old.count or old.priced + self.price > old.price:
            codes.add("corrects_too_much")
        drawn = self.count * unit - self.price
        if not self.to_funders and drawn > 0:
            if old.drawn + drawn > old.released:
                codes.add("corrects_too_much")
            elif book.funders_short(book.accounts[old.tickets].backing, drawn, self.at):
                codes.add("insufficient_balance")
        return codes

    def apply(self, book: Book) -> None:
        old = book.ticket_captures[self.capture]
        account = book.accounts[old.tickets]
        drawn = 0 if self.to_funders else self.count * account.unit - self.price
        book.ticket_captures[self.capture] = replace(
            old, counted=old.counted + self.count, priced=old.priced + self.price,
            drawn=old.drawn + drawn,
        )  # fmt: skip
        line = Line(
            self.used, old.tickets, self.count, "refund", self.correlation, self.counts_at,
            corrects=frozenset(self.captured),
        )  # fmt: skip
        if self.to_funders:
            if self.price:
                book.give_up(account.backing, self.price, line, source=old.payable)
            return
        book.move(line)
        if self.price:
            book.move(replace(line, debit=old.payable, credit=account.backing, amount=self.price))
        if drawn:
            book.put_in(account.backing, drawn, line)
