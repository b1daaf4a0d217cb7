"""`sesame reimburse`: prepare a run, withdraw or approve it, write its bank file, list runs."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from merchants.reimbursements.acting import APPROVES, PREPARES, READS, acting
from merchants.reimbursements.approve import approve_run
from merchants.reimbursements.control import frozen_hash
from merchants.reimbursements.draft import draft_run, refresh_run, withdraw_run
from merchants.reimbursements.export import export_run, run_file, write_privately
from merchants.reimbursements.model import Run
from merchants.reimbursements.owed import left_out
from merchants.reimbursements.payers import find_payer
from merchants.reimbursements.reasons import CutoffInvalid
from merchants.reimbursements.runs import find_run, list_runs
from sesame.platform.command import print_answer, process
from sesame.platform.database import unit_of_work
from sesame.platform.money import format_cents
from sesame.platform.scheme import Scheme, current_scheme

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_as = click.option("--as", "login", required=True, help="The login of the person who decides.")
_run = click.argument("run_id", metavar="RUN", type=click.UUID)


@click.group()
def reimburse() -> None:
    """Pay partners what they are owed: one bank file for each run, seen by two people."""


@reimburse.command()
@click.option("--funder", required=True, metavar="CODE", help="The funder that pays.")
@click.option(
    "--cutoff",
    metavar="ISO",
    help="Sales that count before this moment; in the scheme's zone unless it says. Default: now.",
)
@_as
@_json
def draft(funder: str, cutoff: str | None, login: str, as_json: bool) -> None:
    """Prepare a run of everything that FUNDER owes and no run holds yet.

    Example: sesame reimburse draft --funder region --cutoff 2026-11-24T00:00 --as a.martin
    """
    here = process()
    now = here.clock.now()
    with unit_of_work(here.database) as session:
        by = acting(session, login, PREPARES)
        cutoff_at = _cutoff(cutoff, current_scheme(session)) if cutoff else now
        run_id = draft_run(session, paying_funder=funder, cutoff_at=cutoff_at, by=by, at=now)
        run = find_run(session, run_id)
        read = frozen_hash(session, run)
        left = left_out(session, find_payer(session, funder), cutoff_at)
    answer = {
        **_as_dict(run, read),
        "left_out": [
            {"payee": str(each.payee_id), "field": each.field, "amount_cents": each.cents}
            for each in left
        ],
    }
    lines = [
        _as_line(run, read),
        *(
            f"  left out: {each.holder}, {format_cents(each.cents, 'en')} ({each.field})"
            for each in left
        ),
    ]
    print_answer(answer, as_json=as_json, text="\n".join(lines))


@reimburse.command()
@_run
@_as
@_json
def withdraw(run_id: UUID, login: str, as_json: bool) -> None:
    """Withdraw a draft for good: what it claimed goes into the next one.

    Example: sesame reimburse withdraw 0198c0de-0000-7000-8000-000000000000 --as a.martin
    """
    here = process()
    with unit_of_work(here.database) as session:
        by = acting(session, login, READS)
        run = withdraw_run(session, run_id, by=by, at=here.clock.now())
    _print_run(run, as_json)


@reimburse.command()
@_run
@_as
@_json
def refresh(run_id: UUID, login: str, as_json: bool) -> None:
    """Take the partners' bank details again into a draft, after one of them has changed.

    Example: sesame reimburse refresh 0198c0de-0000-7000-8000-000000000000 --as a.martin
    """
    here = process()
    with unit_of_work(here.database) as session:
        by = acting(session, login, PREPARES)
        changed = refresh_run(session, run_id, by=by)
    print_answer(
        {"run": str(run_id), "changed": changed},
        as_json=as_json,
        text=f"{changed} bank account(s) taken again",
    )


@reimburse.command()
@_run
@_as
@click.option(
    "--expect", metavar="HASH", help="Refuse unless the draft is the one that `list` showed."
)
@_json
def approve(run_id: UUID, login: str, expect: str | None, as_json: bool) -> None:
    """Approve a draft, as an accountant who did not prepare it.

    Example: sesame reimburse approve 0198c0de-0000-7000-8000-000000000000 --as b.durand
    """
    here = process()
    with unit_of_work(here.database) as session:
        by = acting(session, login, APPROVES)
        run = approve_run(session, run_id, by=by, at=here.clock.now(), read=expect)
    _print_run(run, as_json)


@reimburse.command()
@_run
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Copy it there too.")
@_json
def export(run_id: UUID, out: Path | None, as_json: bool) -> None:
    """Write the bank file of an approved run; doing it again gives the same bytes.

    Example: sesame reimburse export 0198c0de-0000-7000-8000-000000000000 --out run.xml
    """
    here = process()
    with unit_of_work(here.database) as session:
        path = export_run(session, here.settings, run_id, here.clock.now())
        if out is not None:
            write_privately(out, run_file(session, run_id))
            path = out
        run = find_run(session, run_id)
    print_answer(
        {**_as_dict(run), "file": str(path)}, as_json=as_json, text=f"{_as_line(run)}\n{path}"
    )


@reimburse.command("list")
@_json
def list_command(as_json: bool) -> None:
    """List the runs, the latest first.

    Example: sesame reimburse list --json
    """
    with process().database.sessions() as session:
        runs = [
            (run, frozen_hash(session, run) if run.state == "draft" else None)
            for run in list_runs(session)
        ]
    print_answer(
        [_as_dict(run, read) for run, read in runs],
        as_json=as_json,
        text="\n".join(_as_line(run, read) for run, read in runs) or "no run yet",
    )


def _cutoff(written: str, scheme: Scheme) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise CutoffInvalid() from None
    return moment if moment.tzinfo else moment.replace(tzinfo=scheme.zone)


def _print_run(run: Run, as_json: bool) -> None:
    print_answer(_as_dict(run), as_json=as_json, text=_as_line(run))


def _as_line(run: Run, read: str | None = None) -> str:
    return (
        f"{run.id}  {run.message_id}  {run.payer}  {run.state:<9}  "
        f"{run.remittance_count} payment(s)  {format_cents(run.total_cents, 'en')}"
    ) + (f"  {read}" if read else "")


def _as_dict(run: Run, read: str | None = None) -> dict[str, Any]:
    """Return a run as the commands print it. read: a draft's hash, for `approve --expect`."""
    return {
        "run": str(run.id),
        "message_id": run.message_id,
        "payer": run.payer,
        "state": run.state,
        "cutoff_at": run.cutoff_at.isoformat(),
        "drafted_at": run.drafted_at.isoformat(),
        "approved_at": run.approved_at.isoformat() if run.approved_at else None,
        "withdrawn_at": run.withdrawn_at.isoformat() if run.withdrawn_at else None,
        "exported_at": run.exported_at.isoformat() if run.exported_at else None,
        "execution_on": run.execution_on.isoformat() if run.execution_on else None,
        "total_cents": run.total_cents,
        "currency": "EUR",
        "remittance_count": run.remittance_count,
        "line_count": run.line_count,
        "frozen_hash": read,
    }
