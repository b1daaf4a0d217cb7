"""`sesame ledger close` and `archive`: ending a month, detaching a year."""

from datetime import UTC, datetime
from pathlib import Path

import click

from ledger.archiving import archive_year, check_archivable
from ledger.checkpoints import log_key, sign_checkpoint
from ledger.closings import checkpoint_balances, close_books
from ledger.export import export_ledger
from ledger.sealing import seal
from sesame.platform.command import print_answer, process
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import OWNER_ROLE, open_database
from sesame.platform.scheme import current_scheme


@click.command("close")
@click.argument("month", type=click.DateTime(["%Y-%m"]))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def close_command(month: datetime, as_json: bool) -> None:
    """Close a month that is over, and those before it: nothing counts in them any more.

    Example: sesame ledger close 2026-10
    """
    here = process()
    at = here.clock.now()
    with unit_of_work(here.database) as session:
        zone = current_scheme(session).zone
        following = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=zone)
        before = following.astimezone(UTC)
        close_books(session, before, zone=zone, by=None, at=at)
    with unit_of_work(here.database) as session:
        accounts = checkpoint_balances(session, before, at=at)
    print_answer(
        {"closed_before": before.isoformat(), "accounts": accounts},
        as_json=as_json,
        text=f"closed before {before.isoformat()}; {accounts} balances kept",
    )


@click.command("archive")
@click.argument("year", type=int)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The export to make.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def archive_command(year: int, out: Path, as_json: bool) -> None:
    """Detach a closed and sealed year from the book, after an export of it.

    The year stays in the database, refused to every change, and verification goes on reading it.

    Example: sesame ledger archive 2026 --out export-2026
    """
    here = process()
    at = here.clock.now()
    seal(here.database, at=at)
    owner = open_database(here.settings, OWNER_ROLE)
    try:
        with owner.engine.connect() as connection:
            check_archivable(connection, year)
        with here.database.sessions() as session:
            key = log_key(here.settings, current_scheme(session))
        checkpoint = sign_checkpoint(here.database, here.settings, at=at)
        export_ledger(
            here.database, checkpoint, key, out=out, checkpoint_file=out.with_suffix(".checkpoint")
        )
        with owner.engine.begin() as connection:
            transfers = archive_year(connection, year, export=out, at=at)
    finally:
        owner.dispose()
    print_answer(
        {"year": year, "transfers": transfers, "export": str(out)},
        as_json=as_json,
        text=f"{transfers} transfers of {year} detached; export in {out}",
    )
