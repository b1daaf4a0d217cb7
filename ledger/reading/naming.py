"""What the rooms above call the ledger's accounts; what none can name is called by its kind."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.orm import Session

from ledger.model import Account
from ledger.reading.words import ACCOUNT
from sesame.platform.web.hooks import Explanation, explain

_NAMED_AS = {"backing": "entitlement"}


def name_accounts(session: Session, accounts: Iterable[Account]) -> dict[UUID, Explanation]:
    """Return what to call each account: a title, and what more there is to say."""
    by_kind: defaultdict[str, dict[UUID, UUID]] = defaultdict(dict)
    named: dict[UUID, Explanation] = {}
    for account in accounts:
        named[account.id] = Explanation(title=str(ACCOUNT[account.kind]))
        by_kind[_NAMED_AS.get(account.kind, account.kind)][account.id] = (
            account.backs_id or account.id
        )
    for kind, asked in by_kind.items():
        known = explain(kind, session, asked.values())
        for account_id, explained in asked.items():
            named[account_id] = known.get(explained, named[account_id])
    return named
