"""Choosing what moves money outside a purchase: funds, grants, their end and return, payments, closings."""

from datetime import datetime, timedelta
from uuid import UUID

from tests.ledger.model.action import TICKETS, Choice
from tests.ledger.model.book import Line
from tests.ledger.model.requests import granting, posting
from tests.ledger.model.spending import choose_capture


def choose_fund(c: Choice) -> object:
    old = [line for line in c.book.lines.values() if line.kind == "fund"]
    if c.odd == 3 and old:
        line = c.one_of(old[-5:])
        if c.action.size % 2:
            line = Line(line.debit, line.credit, line.amount + 1, "fund", line.correlation,
                        line.counts_at, line.id)  # fmt: skip
        return posting.Post((line,), c.world.now)
    amount = (2**63 if c.action.size % 2 else -5) if c.odd == 2 else 25_000 + c.action.size * 331
    return posting.Post(
        (c.line(c.world.funding, c.one_of(c.world.envelopes), amount, "fund"),), c.world.now
    )


def choose_correct_fund(c: Choice) -> object:
    fund = c.one_of([each for each in c.book.lines.values() if each.kind == "fund"][-6:])
    left = c.book.left_of(fund.id)
    named = fund.id
    if c.odd == 3:
        others = [each.id for each in c.book.lines.values() if each.kind != "fund"]
        named = others[-1] if others and c.action.size % 2 else c.world.new_id()
    amount = c.some(left if c.odd == 2 else max(1, left // 4))
    corrects = frozenset({named})
    line = c.line(fund.credit, fund.debit, amount, "correction", corrects=corrects)
    return posting.CorrectFund(named, line, c.world.now)


def choose_grant(c: Choice) -> object:
    plan_id, plan = c.one_of(c.world.plans)
    many = 1 + c.action.other % 3
    amounts = [1 + (c.action.size * 211 + n * 97) % 7_001 for n in range(many)]
    if c.odd == 2:
        amounts[-1] = 10_000_000 if c.action.size % 2 else 0
    return granting.Grant(
        tuple(c.world.new_id() for _ in amounts), tuple(amounts), plan_id, plan, **c.base()
    )


def choose_grant_tickets(c: Choice) -> object:
    plan_id, plan = c.one_of(c.world.plans)
    kind = c.one_of(["CINEMA", "CINEMA", "IN_KIND"], c.action.other)
    asset = c.world.asset(kind)
    counts = [1 + (c.action.size + n) % 4 for n in range(1 + c.action.other % 2)]
    if c.odd == 2:
        counts[-1] = 100_000 if c.action.size % 2 else 0
    return granting.Grant(
        tuple(c.world.new_id() for _ in counts), tuple(counts), plan_id, plan, **c.base(),
        asset=asset, unit=c.one_of(TICKETS[kind], c.action.size),
        backings=tuple(c.world.new_id() for _ in counts), issued=c.world.issued[asset],
    )  # fmt: skip


def _ticket_side(c: Choice, account: UUID) -> UUID:
    """Where tickets of an account come from; anything for euros."""
    asset = c.book.accounts[account].asset if account in c.book.accounts else "EUR"
    return c.world.issued.get(asset, c.world.funding)


def _any_entitlement(c: Choice) -> UUID | None:
    if c.odd == 3:
        return c.one_of([c.world.new_id(), c.world.envelopes[0]], c.action.size)
    known = c.entitlements(tickets=c.action.other % 3 == 2) or c.entitlements()
    return c.one_of(known) if known else None


def choose_expire(c: Choice) -> object:
    first = _any_entitlement(c)
    if first is None:
        return choose_grant(c)
    more = [e for e in c.entitlements()[:1] if e != first and c.action.size % 3 == 0]
    return granting.Expire((first, *more), _ticket_side(c, first), **c.base())


def choose_withdraw(c: Choice) -> object:
    account = _any_entitlement(c)
    if account is None:
        return choose_grant(c)
    known = c.book.accounts.get(account)
    most = max(1, c.book.free(account, c.world.now)) if known and known.guarded else 1
    return granting.Withdraw(account, c.some(most), _ticket_side(c, account), **c.base())


def choose_regrant(c: Choice) -> object:
    expired = [each for each, left in c.book.expired.items() if left][-8:]
    if c.odd == 3 or not expired:
        account = _any_entitlement(c)
        if account is None or c.odd != 3:
            return choose_expire(c)
        return granting.Regrant(account, 1, _ticket_side(c, account), **c.base())
    account = c.one_of(expired)
    return granting.Regrant(
        account, c.some(c.book.expired[account]), _ticket_side(c, account), **c.base()
    )


def choose_remit(c: Choice) -> object:
    payable = c.one_of(c.world.payables)
    owed = c.book.balances[payable]
    if owed <= 0:
        return choose_capture(c)
    there = (payable, c.world.in_transit)
    if c.action.other == 5 and c.book.balances[c.world.in_transit] > 0:
        there = (c.world.in_transit, payable)
    if c.odd == 3:
        there = (c.world.paid, payable)
    return posting.Post((c.line(*there, c.some(owed, oddity=9), "remit"),), c.world.now)


def choose_settle(c: Choice) -> object:
    sent = c.book.balances[c.world.in_transit]
    if sent <= 0:
        return choose_remit(c)
    there = (c.world.paid, c.world.in_transit) if c.odd == 3 else (c.world.in_transit, c.world.paid)
    return posting.Post((c.line(*there, c.some(sent, oddity=9), "settle"),), c.world.now)


def choose_return(c: Choice) -> object:
    payments = [
        line for line in c.book.lines.values()
        if line.kind in ("remit", "settle") and line.credit in (c.world.in_transit, c.world.paid)
        and c.book.left_of(line.id)
    ][-8:]  # fmt: skip
    if not payments:
        return choose_settle(c)
    payment = c.one_of(payments)
    named = c.world.new_id() if c.odd == 3 else payment.id
    return posting.ReturnPayment(
        named, c.one_of(c.world.payables, c.action.other), c.some(c.book.left_of(payment.id)),
        c.world.new_id(), **c.base(),
    )  # fmt: skip


def first_of_next_month(moment: datetime) -> datetime:
    """In the scheme's zone, both nights of the change of clocks included."""
    local = moment.astimezone(posting.PARIS)
    year, month = divmod(local.year * 12 + local.month, 12)
    return datetime(year, month + 1, 1, tzinfo=posting.PARIS).astimezone(tz=moment.tzinfo)


def choose_close(c: Choice) -> object:
    started = c.book.closed_before if c.book.closings else c.world.now
    before = first_of_next_month(started + timedelta(days=1))
    if c.odd == 2:
        before = c.book.closed_before if c.book.closings else before + timedelta(days=2)
    elif c.odd == 3:
        before = first_of_next_month(c.world.now + timedelta(days=1))
    elif before > c.world.now:
        # Nothing else makes a month pass for sure.
        c.world.now = before + timedelta(hours=1)
    return posting.Close(before, c.world.new_id(), c.world.now)
