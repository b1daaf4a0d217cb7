"""Reads the rows with SQL of its own and compares them with the plain book."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import psycopg

from sesame.platform.ids import first_uuid7
from tests.ledger.model.book import Book, Line, parts

# Ids begin with the moment they were made for, so those of a step lie at the end of the key.
_ROWS = """
    SELECT id, debit_account_id, credit_account_id, amount, kind, correlation_id, counts_at, hold_id,
           happened_at, corrects_id, recorded_at
      FROM ledger.transfer WHERE id >= %s"""
_BALANCES = "SELECT account_id, balance, held FROM ledger.balance WHERE account_id = ANY (%s)"


@dataclass
class Referee:
    """One connection that only ever reads."""

    connection: psycopg.Connection
    since: UUID

    def new_rows(self, book: Book, since: datetime) -> list[tuple]:
        """The transfers made since a moment that the book hasn't learned of yet."""
        rows = self.connection.execute(_ROWS, [first_uuid7(since)], prepare=True).fetchall()
        return [row for row in rows if row[0] not in book.lines]

    def objection(
        self, book: Book, rows: list[tuple], touched: Iterable[UUID], at: datetime
    ) -> str:
        """What the rows say against this book having come true; empty where they agree."""
        learned = match(book, rows)
        if isinstance(learned, str):
            return learned
        accounts = {account for line in book.fresh for account in (line.debit, line.credit)}
        wanted = [
            each for each in accounts.union(touched)
            if each in book.accounts and book.accounts[each].guarded
        ]  # fmt: skip
        found = self.connection.execute(_BALANCES, [wanted], prepare=True).fetchall()
        if len(found) != len(wanted):
            return f"{len(wanted)} kept balances expected, {len(found)} found"
        for account, balance, held in found:
            if balance != book.balances[account]:
                return f"{account} holds {balance}, not {book.balances[account]}"
            live = sum(hold.left for hold in book.live_holds(account, at))
            if held < live or balance - held < book.accounts[account].floor:
                return f"{account} of {balance} has {held} held, at least {live} expected"
        return ""

    def check_all(self, book: Book, at: datetime) -> None:
        """Every row against the whole book, and the house's rules against every row."""
        rows = self.connection.execute(_ROWS, [self.since]).fetchall()
        assert {row[0] for row in rows} == set(book.lines)
        sums: dict[UUID, int] = defaultdict(int)
        by_funder: dict[tuple[UUID, UUID], int] = defaultdict(int)
        corrected: Counter = Counter()
        assets = dict(self.connection.execute("SELECT id, asset FROM ledger.account").fetchall())
        for row in rows:
            id_, debit, credit, amount, kind, _, _, _, _, corrects = row[:10]
            line = book.lines[id_]
            assert (debit, credit, amount, kind) == line.content[:4]
            assert assets[debit] == assets[credit]
            sums[debit] -= amount
            sums[credit] += amount
            # What a ticket didn't cost comes back in the shares of this moment, a cent beside those of
            # its release: the backings tell whether it was too much.
            drawn = book.accounts[debit].kind == "envelope" and kind != "correction"
            if kind in ("refund", "cancellation", "correction", "return") and not drawn:
                corrected[corrects] += amount
            for funded, envelope, sign in self._contributions(book, line):
                by_funder[funded, envelope] += sign * amount
        for id_, amount in corrected.items():
            assert amount <= book.lines[id_].amount, f"more than {id_} was taken back"
        self._check_balances(book, sums, at)
        self._check_shares(book, by_funder)
        self._check_holds(book, at)
        self._check_backings(book)

    @staticmethod
    def _contributions(book: Book, line: Line) -> list[tuple[UUID, UUID, int]]:
        """Which entitlement or backing an envelope gave money to in this line, or had it back from."""
        kinds = {each: book.accounts[each].kind for each in (line.debit, line.credit)}
        if kinds[line.debit] == "envelope" and kinds[line.credit] in ("entitlement", "backing"):
            return [(line.credit, line.debit, 1)]
        if kinds[line.credit] != "envelope" or kinds[line.debit] == "funding":
            return []
        if kinds[line.debit] in ("entitlement", "backing"):
            return [(line.debit, line.credit, -1)]
        # A refund to the funders names the capture: it is that one's entitlement that shrinks.
        captures = [book.lines[each] for each in line.corrects if each in book.lines]
        (funded,) = {each.debit for each in captures if kinds[line.debit] == "payable"
                     and each.kind == "capture" and each.credit == line.debit}  # fmt: skip
        return [(funded, line.credit, -1)]

    def _check_balances(self, book: Book, sums: dict[UUID, int], at: datetime) -> None:
        totals: Counter = Counter()
        for account in book.accounts.values():
            assert sums[account.id] == book.balances[account.id], account
            totals[account.asset] += sums[account.id]
        assert not any(totals.values()), totals
        kept = {
            account: (balance, held, floor)
            for account, balance, held, floor in self.connection.execute(
                "SELECT account_id, balance, held, floor FROM ledger.balance"
                " WHERE account_id = ANY (%s)",
                [list(book.accounts)],
            )
        }
        guarded = {each.id: each for each in book.accounts.values() if each.guarded}
        assert kept.keys() == guarded.keys()
        free = self.connection.execute(
            "SELECT ledger.balance_of(%s, %s)", [list(guarded), at]
        ).fetchone()[0]
        for id_, (balance, held, floor) in kept.items():
            assert balance == sums[id_]
            assert floor == guarded[id_].floor
            assert balance - held >= floor
            assert free[str(id_)] == book.free(id_, at) + floor

    @staticmethod
    def _check_shares(book: Book, by_funder: dict[tuple[UUID, UUID], int]) -> None:
        for account in book.accounts.values():
            if account.kind == "backing" or (account.plan and account.unit is None):
                for envelope, part in parts(account.plan, book.contributed[account.id]).items():
                    assert by_funder[account.id, envelope] == part, (account, envelope)

    def _check_holds(self, book: Book, at: datetime) -> None:
        rows = self.connection.execute(
            "SELECT id, account_id, amount, captured, state, lapses_at FROM ledger.hold"
            " WHERE account_id = ANY (%s)",
            [list(book.accounts)],
        ).fetchall()
        assert {row[0] for row in rows} == set(book.holds)
        open_in_rows: Counter = Counter()
        for id_, account, amount, captured, state, lapses_at in rows:
            hold = book.holds[id_]
            assert (amount, captured, lapses_at) == (hold.amount, hold.captured, hold.lapses_at)
            assert state == hold.state or (state == "lapsed" and hold.state == "open"
                                           and hold.lapses_at <= at)  # fmt: skip
            if state == "open":
                open_in_rows[account] += amount - captured
        held = self.connection.execute(
            "SELECT account_id, held FROM ledger.balance WHERE held <> 0 AND account_id = ANY (%s)",
            [list(book.accounts)],
        )
        assert dict(held.fetchall()) == +open_in_rows

    @staticmethod
    def _check_backings(book: Book) -> None:
        for account in book.accounts.values():
            if account.backing:
                covered = book.balances[account.id] * account.unit
                assert book.balances[account.backing] == covered, account


def match(book: Book, rows: list[tuple]) -> dict[UUID, Line] | str:
    """Pair the book's fresh lines with new rows, and learn the ids; or say what has no partner."""
    expected: dict[tuple, list[Line]] = defaultdict(list)
    for line in book.fresh:
        expected[line.content].append(line)
    learned = {}
    for row in rows:
        content, corrects = row[1:9], row[9]
        # The book's order of a line's content.
        known = expected.get(content)
        if not known:
            return f"not expected: {row}"
        line = next((each for each in known if each.id == row[0]), known[0])
        if line.id not in (None, row[0]):
            return f"{row[0]} instead of {line.id}"
        named = line.corrects | _made_beside(line, rows)
        if (corrects is not None) != bool(named) or corrects not in {None, *named}:
            return f"{row[0]} corrects {corrects}"
        known.remove(line)
        named = line.corrects if corrects is None else frozenset({corrects, *line.corrects})
        learned[row[0]] = replace(line, id=row[0], corrects=named, recorded_at=row[10])
    missing = [line for lines in expected.values() for line in lines]
    return f"missing: {missing}" if missing else learned


def _made_beside(line: Line, rows: list[tuple]) -> frozenset[UUID]:
    """What a regrant or withdrawal may name of what became true at the same time."""
    kind = {"regrant": "expiry", "withdrawal": "grant"}.get(line.kind)
    own = {line.debit, line.credit}
    return frozenset(row[0] for row in rows if row[4] == kind and own & set(row[1:3]))
