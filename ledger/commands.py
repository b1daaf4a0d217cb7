"""`sesame ledger`: verify the invariants, print an account's statement."""

from uuid import UUID

import click

from ledger.statements import balances, movements
from ledger.verify import Verification, verify
from sesame.platform.command import print_answer, process
from sesame.platform.money import format_cents


@click.group()
def ledger() -> None:
    """The books: check them, read them."""


@ledger.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_command(as_json: bool) -> None:
    """Check every invariant on every row; exit 1 if one is broken.

    Example: sesame ledger verify
    """
    with process().database.sessions() as session:
        found = verify(session)
    print_answer(
        {
            "holds": found.holds,
            "transfers": found.transfers,
            "accounts": found.accounts,
            "findings": [
                {"invariant": each.invariant, "broken": each.broken, "examples": each.examples}
                for each in found.findings
            ],
        },
        as_json=as_json,
        text=_as_text(found),
    )
    if not found.holds:
        raise SystemExit(1)


def _as_text(found: Verification) -> str:
    lines = [f"{found.transfers} transfers, {found.accounts} accounts"]
    for each in found.findings:
        mark = "ok " if each.broken == 0 else f"BROKEN by {each.broken}: {', '.join(each.examples)}"
        lines.append(f"  {mark} {each.invariant}")
    return "\n".join(lines)


@ledger.command("statement")
@click.argument("account", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def statement_command(account: UUID, as_json: bool) -> None:
    """Print an account's movements and balance.

    Example: sesame ledger statement 0198c0de-0000-7000-8000-000000000000
    """
    with process().database.sessions() as session:
        rows = movements(session, [account])
        balance = balances(session, [account])[account]
    lines = [
        {
            "id": str(row.id),
            "counts_at": row.counts_at.isoformat(),
            "kind": row.kind,
            "amount": row.amount if row.credit_account_id == account else -row.amount,
        }
        for row in rows
    ]
    text = [f"{line['counts_at']}  {line['kind']:<12} {line['amount']:>12}" for line in lines]
    print_answer(
        {"account": str(account), "balance": balance, "movements": lines},
        as_json=as_json,
        text="\n".join([*text, f"balance {format_cents(balance, 'en')}"]),
    )
