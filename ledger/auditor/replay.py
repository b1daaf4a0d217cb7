"""The book replayed from its lines: sane fields, accounts that exist, one asset, no overdraft."""

import re
from bisect import bisect_left
from dataclasses import dataclass, field

from ledger.auditor.export_folder import ACCOUNTS, ROUNDS, ExportFolder
from ledger.auditor.findings import AuditFailed

_UUID = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TIME = rb"\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?\+00"
_LINE = re.compile(
    rb"%(id)s\t(%(id)s)\t(%(id)s)\t([1-9]\d{0,18})\t([a-z]{1,20})\t%(id)s\t(?:\\N|%(id)s)"
    rb"\t(?:\\N|%(id)s)\t(?:\\N|%(at)s)\t%(at)s\t%(at)s\t\d{1,19}" % {b"id": _UUID, b"at": _TIME}
)
_LARGEST = 2**63 - 1
KINDS = frozenset(
    (
        *(b"fund", b"correction", b"grant", b"withdrawal", b"expiry", b"regrant", b"capture"),
        *(b"release", b"cancellation", b"refund", b"remit", b"settle", b"return"),
    )
)


@dataclass
class Replay:
    """What the lines so far come to.

    An overdraft is looked for where a round ended: between two transfers of one round the order of the
    leaves isn't the order of their commits, so nothing can be said. unsound: what was found first.
    """

    assets: dict[bytes, bytes]
    floors: dict[bytes, int]
    round_ends: list[int]
    unsound: AuditFailed | None = None
    leaf: int = 0
    _balances: dict[bytes, int] = field(default_factory=dict)
    _drawn: set[bytes] = field(default_factory=set)

    def take(self, lines: list[bytes]) -> None:
        """Post these lines, the next ones in the order of the leaves."""
        end = self.leaf + len(lines)
        begin = 0
        place = bisect_left(self.round_ends, self.leaf + 1)
        while place < len(self.round_ends) and self.round_ends[place] <= end:
            until = self.round_ends[place] - self.leaf
            self._post(lines[begin:until], self.leaf + begin)
            self.end_round()
            begin = until
            place += 1
        self._post(lines[begin:], self.leaf + begin)
        self.leaf = end

    def end_round(self) -> None:
        """Look at the guarded accounts that were drawn on since the last round."""
        for account in sorted(self._drawn):
            if self._balances[account] < self.floors[account]:
                self._find(f"account {account.decode()} is below zero", b"")
        self._drawn.clear()

    def _post(self, lines: list[bytes], leaf: int) -> None:
        match, assets, floors, balances = _LINE.fullmatch, self.assets, self.floors, self._balances
        for place, line in enumerate(lines):
            found = match(line)
            if found is None:
                self._find(f"line {leaf + place + 1} isn't a transfer", line)
                continue
            debit, credit, digits, kind = found.groups()
            amount = int(digits)
            if amount > _LARGEST or kind not in KINDS or debit == credit:
                self._find(f"line {leaf + place + 1} isn't a movement", line)
            asset = assets.get(debit)
            if asset is None or asset != assets.get(credit):
                self._find("it isn't between two accounts of one asset", line)
            if debit in floors:
                balances[debit] = balances.get(debit, 0) - amount
                self._drawn.add(debit)
            if credit in floors:
                balances[credit] = balances.get(credit, 0) + amount

    def _find(self, what: str, line: bytes) -> None:
        if self.unsound is None:
            about = line[:36].decode("ascii", "replace")
            said = f"{about}: {what}" if about else what
            self.unsound = AuditFailed("book_unsound", said, (about,) if about else ())


def replay_of(folder: ExportFolder) -> Replay:
    """Return the empty book of an export's accounts. Raises `AuditFailed`."""
    assets, floors = {}, {}
    try:
        for account, asset, _kind, guarded, floor, *_ in folder.rows(ACCOUNTS):
            assets[account] = asset
            if guarded == b"t":
                floors[account] = int(floor)
        round_ends = [int(size) for size, *_ in folder.rows(ROUNDS)]
    except ValueError:
        raise AuditFailed(
            "export_damaged", f"{ACCOUNTS} or {ROUNDS} isn't as an export has it"
        ) from None
    return Replay(assets, floors, sorted(round_ends))
