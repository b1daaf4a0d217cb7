"""Choosing what happens at a till: holds, captures, refunds, of euros and of tickets."""

from datetime import timedelta
from uuid import UUID

from tests.ledger.model.action import Choice
from tests.ledger.model.book import Hold, Line
from tests.ledger.model.requests import holding, posting, returning


def choose_reserve(c: Choice) -> object:
    at, wanted = c.world.now, []
    accounts = c.entitlements()
    if not accounts:
        return None
    for number in range(1 + (c.action.other == 0)):
        account = c.one_of(accounts, c.action.pick + number)
        credit = c.one_of(c.world.payables, c.action.other)
        if c.odd == 3:
            account = c.one_of(
                [c.world.new_id(), c.world.envelopes[0], *c.entitlements(tickets=True)[:1]],
                c.action.size,
            )
        lapses_at = at + timedelta(hours=3 * (1 + c.action.size % 40)) * (0 if c.odd == 1 else 1)
        amount = c.some(max(1, c.book.free(account, at) if account in c.book.accounts else 1))
        if number == 0 and c.odd == 0:
            amount = max(1, amount // 2)
        wanted.append(
            Hold(c.world.new_id(), account, credit, amount, c.action.size % 3 != 0, lapses_at,
                 c.world.new_id())
        )  # fmt: skip
    return holding.Reserve(tuple(wanted), at)


def choose_capture(c: Choice) -> object:
    accounts = c.entitlements()
    if not accounts:
        return None
    return posting.Post(tuple(_capture_lines(c, accounts, c.action.pick)), c.world.now)


def _capture_lines(c: Choice, accounts: list[UUID], first: int) -> list[Line]:
    lines, late = [], c.late
    for number in range(1 + (c.action.other in (0, 1))):
        account = c.one_of(accounts, first + number)
        credit = c.one_of(c.world.payables, c.action.other + first)
        free = max(1, c.book.free(account, c.world.now))
        amount = c.some(free) if number == 0 else max(1, free // 3)
        line = c.line(account, credit, amount, "capture", happened_at=late)
        if late is not None and c.odd != 1:
            line = Line(*line.content[:5], c.book.closed_before, line.id, happened_at=late)
        if c.odd == 3:
            line = _odd_line(c, line)
        lines.append(line)
    return lines


def _odd_line(c: Choice, line: Line) -> Line:
    """Between accounts that aren't there, or that it may not go between."""
    backings = [each.id for each in c.book.accounts.values() if each.kind == "backing"][-2:]
    tickets = c.entitlements(tickets=True)
    debit, credit = c.one_of(
        [
            (c.world.new_id(), line.credit), (line.debit, c.world.new_id()),
            (line.debit, c.world.paid), (c.world.envelopes[0], line.credit),
            *((each, line.credit) for each in tickets[:1]),
            *((each, line.credit) for each in backings[:1]),
            *((each, c.world.used[c.book.accounts[each].asset]) for each in tickets[:1]),
        ],
        c.action.size,
    )  # fmt: skip
    return Line(debit, credit, 1, line.kind, line.correlation, line.counts_at, line.id)


def choose_batch(c: Choice) -> object:
    accounts = c.entitlements()
    if not accounts:
        return None
    items = []
    for number in range(2 + c.action.other % 3):
        lines = tuple(_capture_lines(c, accounts, c.action.pick + number))
        if any(not 0 < line.amount < 2**53 for line in lines):
            continue
        key = f"{c.world.season}-{(c.action.size + number * (c.action.other + 1)) % 97:08}"
        items.append((key, c.world.new_id().bytes, posting.Post(lines, c.world.now)))
    if c.action.other % 3 == 1 and items:
        items.append(items[0])
    if c.action.other % 3 == 2 and items:
        items.append((items[0][0], b"something else", items[-1][2]))
    return posting.Batch(tuple(items), c.world.now) if items else choose_capture(c)


def _holds(c: Choice) -> list[Hold]:
    now = c.world.now
    known = list(c.book.holds.values())
    live = [hold for hold in known[-60:] if hold.state == "open" and hold.lapses_at > now]
    gone = [hold for hold in known[-12:] if hold not in live]
    return gone if c.odd == 2 and gone else live


def choose_capture_hold(c: Choice) -> object:
    known = _holds(c)
    if not known:
        return choose_reserve(c)
    hold = c.one_of(known)
    amount = hold.left + 1 + c.action.size if c.odd == 3 else max(1, c.some(hold.left, oddity=9))
    late = c.late if c.odd != 1 else None
    return holding.CaptureHold(
        hold.id, hold.account, amount, c.world.new_id(),
        c.counts_at if late is None else c.book.closed_before, c.world.now, late,
    )  # fmt: skip


def choose_void(c: Choice) -> object:
    known = _holds(c)
    if c.odd == 3:
        return holding.VoidHold(c.world.new_id(), c.world.envelopes[0], c.world.now)
    if not known:
        return choose_reserve(c)
    hold = c.one_of(known)
    return holding.VoidHold(hold.id, hold.account, c.world.now)


def choose_lapse(c: Choice) -> object:
    return holding.LapseHolds(c.world.now)


def choose_give_back(c: Choice) -> object:
    euros = [
        line for line in c.book.lines.values()
        if line.kind == "capture" and c.book.accounts[line.debit].kind == "entitlement"
        and c.book.accounts[line.debit].unit is None
    ][-14:]  # fmt: skip
    left = [line for line in euros if c.book.left_of(line.id)]
    if not left:
        return choose_capture(c)
    line = c.one_of(left)
    capture = line.id
    if c.odd == 3:
        others = [
            each.id for each in c.book.lines.values() if each.kind in ("grant", "remit", "fund")
        ]
        capture = c.one_of([c.world.new_id(), others[-1]], c.action.size)
    return returning.GiveBack(
        capture, line.debit, c.some(c.book.left_of(line.id)),
        "refund" if c.action.size % 2 else "cancellation", c.action.other % 3 == 0,
        c.world.new_id(), **c.base(),
    )  # fmt: skip


def choose_capture_tickets(c: Choice) -> object:
    known = c.entitlements(tickets=True)
    if not known:
        return None
    account = c.book.accounts[c.one_of(known)]
    used = c.world.used[account.asset]
    number = c.some(max(1, min(2, c.book.free(account.id, c.world.now))), oddity=2)
    if number == 0 or number > 2**53:
        number = 50
    price = number * account.unit * (c.action.size % 5) // 4
    if c.odd == 3:
        price = number * account.unit + 1
    return returning.CaptureTickets(
        account.id, number, c.one_of(c.world.payables, c.action.other), price, used, **c.base()
    )


def choose_give_back_tickets(c: Choice) -> object:
    known = {
        correlation: old for correlation, old in c.book.ticket_captures.items()
        if old.counted < old.count
    }  # fmt: skip
    if not known:
        return choose_capture_tickets(c)
    correlation = c.one_of(list(known)[-6:])
    old = known[correlation]
    unit, left = c.book.accounts[old.tickets].unit, old.count - old.counted
    number = left if c.action.size % 2 else 1
    price = (old.price - old.priced) if number == left else (old.price - old.priced) // left
    price = min(price, number * unit)
    if c.odd == 2:
        number = left + 1
    if c.odd == 3:
        price = 0 if price and c.action.size % 4 < 2 else number * unit + 1
    captured = sorted(
        (each for each, line in c.book.lines.items() if line.correlation == correlation),
        key=lambda each: c.book.lines[each].debit != old.tickets,
    )
    return returning.GiveBackTickets(
        correlation, tuple(captured), old.tickets, number, price,
        price > 0 and c.action.other % 3 == 0,
        c.world.used[c.book.accounts[old.tickets].asset], **c.base(),
    )  # fmt: skip
