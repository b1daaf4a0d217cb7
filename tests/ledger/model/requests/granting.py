"""Requests about entitlements as a whole: grants, expiry, withdrawal, regrants."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from ledger import entitlements, grants
from tests.ledger.model.book import LARGEST, Account, Book, Line


@dataclass(frozen=True)
class Grant:
    """New entitlements, in euros or in tickets (`unit` cents each, with their backings)."""

    accounts: tuple[UUID, ...]
    amounts: tuple[int, ...]
    plan_id: UUID
    plan: tuple[tuple[UUID, int], ...]
    correlation: UUID
    counts_at: datetime
    at: datetime
    asset: str = "EUR"
    unit: int | None = None
    backings: tuple[UUID, ...] = ()
    issued: UUID | None = None

    @property
    def touches(self) -> set[UUID]:
        return {*self.accounts, *self.backings, *(envelope for envelope, _ in self.plan)}

    def run(self, session: Any) -> int:
        if self.unit is None:
            return grants.post_grants(
                session, self.accounts, self.amounts, share_plan_id=self.plan_id,
                correlation_id=self.correlation, counts_at=self.counts_at, at=self.at,
            )  # fmt: skip
        return grants.post_ticket_grants(
            session, tickets=self.accounts, backings=self.backings, counts=self.amounts,
            asset=self.asset, unit_cents=self.unit, share_plan_id=self.plan_id,
            correlation_id=self.correlation, counts_at=self.counts_at, at=self.at,
        )  # fmt: skip

    @property
    def _in_euros(self) -> list[int]:
        return [amount * (1 if self.unit is None else self.unit) for amount in self.amounts]

    def judge(self, book: Book) -> set[str]:
        codes = set()
        if any(not 0 < amount <= LARGEST for amount in self.amounts):
            return {"amount_out_of_range"}
        if self.counts_at < book.closed_before:
            codes.add("period_closed")
        trial = book.fork()
        self.apply(trial)
        for envelope, _ in self.plan:
            if trial.free(envelope, self.at) < 0:
                codes.add("insufficient_balance")
        return codes

    def apply(self, book: Book) -> int:
        for number, (account, amount) in enumerate(zip(self.accounts, self.amounts, strict=True)):
            funded, backing = account, None
            if self.unit:
                funded = backing = self.backings[number]
                book.open(Account(backing, "backing", guarded=True, plan=self.plan))
            book.open(
                Account(
                    account, "entitlement", self.asset, guarded=True, plan=self.plan,
                    unit=self.unit, backing=backing,
                )
            )  # fmt: skip
            line = Line(account, account, 1, "grant", self.correlation, self.counts_at)
            if self.unit is not None:
                book.move(replace(line, debit=self.issued, amount=amount))
            if self.unit != 0:
                book.put_in(funded, amount * (self.unit or 1), line)
        return sum(self._in_euros)


@dataclass(frozen=True)
class Expire:
    """The season's end for some entitlements."""

    accounts: tuple[UUID, ...]
    issued: UUID
    correlation: UUID
    counts_at: datetime
    at: datetime

    @property
    def touches(self) -> set[UUID]:
        return set(self.accounts)

    def run(self, session: Any) -> int:
        return entitlements.expire(
            session, self.accounts, correlation_id=self.correlation, counts_at=self.counts_at,
            at=self.at,
        )  # fmt: skip

    def judge(self, book: Book) -> set[str]:
        codes = set()
        if self.counts_at < book.closed_before:
            codes.add("period_closed")
        if any(
            each not in book.accounts or book.accounts[each].kind != "entitlement"
            for each in self.accounts
        ):
            codes.add("unknown_account")
        return codes

    def apply(self, book: Book) -> int:
        cents = 0
        for each in self.accounts:
            account, left = book.accounts[each], book.free(each, self.at)
            line = Line(each, each, left, "expiry", self.correlation, self.counts_at)
            book.expired[each] = book.expired.get(each, 0) + left
            if account.unit is None:
                cents += left
                book.give_up(each, left, line)
                continue
            if left:
                book.move(replace(line, credit=self.issued))
            if account.backing:
                cents += left * account.unit
                book.give_up(account.backing, left * account.unit, line)
        return cents


@dataclass(frozen=True)
class Withdraw:
    """A grant corrected: a part of what is left goes back to the funders."""

    account: UUID
    amount: int
    issued: UUID
    correlation: UUID
    counts_at: datetime
    at: datetime

    @property
    def touches(self) -> set[UUID]:
        return {self.account}

    def run(self, session: Any) -> None:
        entitlements.withdraw(
            session, self.account, self.amount, correlation_id=self.correlation,
            counts_at=self.counts_at, at=self.at,
        )  # fmt: skip

    def judge(self, book: Book) -> set[str]:
        codes = set()
        if not 0 < self.amount <= LARGEST:
            codes.add("amount_out_of_range")
        if self.counts_at < book.closed_before:
            codes.add("period_closed")
        account = book.accounts.get(self.account)
        if account is None or account.kind != "entitlement":
            return codes | {"unknown_account"}
        if book.short(self.account, self.amount, self.at):
            codes.add("insufficient_balance")
        return codes

    def apply(self, book: Book) -> None:
        account = book.accounts[self.account]
        line = Line(
            self.account, self.issued, self.amount, "withdrawal", self.correlation, self.counts_at,
            corrects=book.naming(["grant"], self.account),
        )  # fmt: skip
        if account.unit is None:
            book.give_up(self.account, self.amount, line)
            return
        book.move(line)
        if account.backing:
            line = replace(line, corrects=book.naming(["grant"], account.backing))
            book.give_up(account.backing, self.amount * account.unit, line)


@dataclass(frozen=True)
class Regrant:
    """A part of what expired comes back, from the envelopes that received it."""

    account: UUID
    amount: int
    issued: UUID
    correlation: UUID
    counts_at: datetime
    at: datetime

    @property
    def touches(self) -> set[UUID]:
        return {self.account}

    def run(self, session: Any) -> None:
        entitlements.regrant(
            session, self.account, self.amount, correlation_id=self.correlation,
            counts_at=self.counts_at, at=self.at,
        )  # fmt: skip

    def judge(self, book: Book) -> set[str]:
        codes = set()
        if not 0 < self.amount <= LARGEST:
            codes.add("amount_out_of_range")
        if self.counts_at < book.closed_before:
            codes.add("period_closed")
        account = book.accounts.get(self.account)
        if account is None or account.kind != "entitlement":
            return codes | {"unknown_account"}
        left = book.expired.get(self.account, 0)
        if not left:
            codes.add("nothing_to_correct")
        elif self.amount > left:
            codes.add("corrects_too_much")
        elif account.unit != 0:
            funded = account.backing or self.account
            if book.funders_short(funded, self.amount * (account.unit or 1), self.at):
                codes.add("insufficient_balance")
        return codes

    def apply(self, book: Book) -> None:
        account = book.accounts[self.account]
        book.expired[self.account] -= self.amount
        line = Line(
            self.issued, self.account, self.amount, "regrant", self.correlation, self.counts_at,
            corrects=book.naming(["expiry"], self.account),
        )  # fmt: skip
        if account.unit is None:
            book.put_in(self.account, self.amount, line)
            return
        book.move(line)
        if account.backing:
            line = replace(line, corrects=book.naming(["expiry"], account.backing))
            book.put_in(account.backing, self.amount * account.unit, line)
