"""The console's pages on runs: the list, one run with its checks, its files."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from merchants.rails.target_days import next_target_day
from merchants.reimbursements.acting import APPROVES, PREPARES, READS
from merchants.reimbursements.approve import approve_run
from merchants.reimbursements.control import changed_accounts, control_totals, frozen_hash
from merchants.reimbursements.draft import draft_run, refresh_run, withdraw_run
from merchants.reimbursements.export import export_run, run_file
from merchants.reimbursements.model import Run
from merchants.reimbursements.owed import LeftOut, Owed, left_out, owed
from merchants.reimbursements.payers import Payer, payers
from merchants.reimbursements.reasons import RunUnknown
from merchants.reimbursements.runs import (
    REMITTANCES_A_PAGE,
    find_run,
    list_runs,
    remittances,
    statement_rows,
)
from merchants.reimbursements.statement import statement_csv
from sesame.platform.clock import day_in
from sesame.platform.database import unit_of_work
from sesame.platform.identity import requires, signed_in
from sesame.platform.identity.model import IdentityRow
from sesame.platform.problems import SesameError
from sesame.platform.scheme import current_scheme
from sesame.platform.web import current

blueprint = Blueprint(
    "runs",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/reimbursements",
)


@blueprint.get("/console/runs")
@requires(*READS)
def index() -> str:
    """List the runs; to an officer, say what could go into the next one."""
    now = current().clock.now()
    with unit_of_work(current().database) as session:
        return render_template(
            "reimbursements/runs.html",
            runs=list_runs(session),
            waiting=_waiting(session, now) if signed_in().role in PREPARES else [],
            may_prepare=signed_in().role in PREPARES,
            zone=current_scheme(session).zone,
        )


@blueprint.post("/console/runs")
@requires(*PREPARES)
def prepare() -> ResponseReturnValue:
    """Prepare a run of what one payer owes now."""
    now = current().clock.now()
    try:
        with unit_of_work(current().database) as session:
            run_id = draft_run(
                session,
                paying_funder=request.form.get("payer", ""),
                cutoff_at=now,
                by=signed_in().id,
                at=now,
            )
    except SesameError as refusal:
        return _refused(refusal, url_for("runs.index"))
    flash(_("Campagne préparée. Une autre personne doit maintenant l'approuver."), "ok")
    return redirect(url_for("runs.show", run_id=run_id))


@blueprint.get("/console/runs/<uuid:run_id>")
@requires(*READS)
def show(run_id: UUID) -> str:
    """Show a run: its figures, what was checked, its payments, and what to do next."""
    now = current().clock.now()
    with unit_of_work(current().database) as session:
        run = find_run(session, run_id)
        zone = current_scheme(session).zone
        draft = run.state == "draft"
        # Before the payments are read: what is approved is then never newer than what was shown.
        read = frozen_hash(session, run) if draft else ""
        pages = -(-run.remittance_count // REMITTANCES_A_PAGE)
        page = min(max(request.args.get("page", 1, type=int), 1), pages)
        today = day_in(zone, now)
        return render_template(
            "reimbursements/run.html",
            run=run,
            names=_names(session, run),
            totals=control_totals(session, run),
            changed=changed_accounts(session, run) if draft else 0,
            left=_left_out(session, run) if draft else [],
            read=read,
            payments=remittances(session, run_id, page),
            page=page,
            pages=pages,
            mine=run.drafted_by == signed_in().id,
            may_prepare=signed_in().role in PREPARES,
            may_approve=signed_in().role in APPROVES,
            paid_on=run.execution_on or next_target_day(today),
            late=run.execution_on is not None and run.execution_on < today,
            zone=zone,
            masked=masked_iban,
        )


@blueprint.post("/console/runs/<uuid:run_id>/approve")
@requires(*APPROVES)
def approve(run_id: UUID) -> ResponseReturnValue:
    """Approve a run as it was read: the form carries the hash of what its page showed."""
    now = current().clock.now()
    here = url_for("runs.show", run_id=run_id)
    try:
        with unit_of_work(current().database) as session:
            approve_run(
                session, run_id, by=signed_in().id, at=now, read=request.form.get("read", "")
            )
    except SesameError as refusal:
        return _refused(refusal, here)
    flash(_("Campagne approuvée. Remettez maintenant le fichier à la banque."), "ok")
    return redirect(here)


@blueprint.post("/console/runs/<uuid:run_id>/refresh")
@requires(*PREPARES)
def refresh(run_id: UUID) -> ResponseReturnValue:
    """Take the bank details again into a draft."""
    here = url_for("runs.show", run_id=run_id)
    try:
        with unit_of_work(current().database) as session:
            refresh_run(session, run_id, by=signed_in().id)
    except SesameError as refusal:
        return _refused(refusal, here)
    flash(_("Les comptes bancaires sont ceux d'aujourd'hui. Relisez, puis faites approuver."), "ok")
    return redirect(here)


@blueprint.get("/console/runs/<uuid:run_id>/withdraw")
@requires(*READS)
def confirm_withdrawal(run_id: UUID) -> ResponseReturnValue:
    """Name what would be withdrawn and ask."""
    with unit_of_work(current().database) as session:
        run = find_run(session, run_id)
        if run.state != "draft":
            return redirect(url_for("runs.show", run_id=run_id))
        return render_template("reimbursements/withdraw.html", run=run)


@blueprint.post("/console/runs/<uuid:run_id>/withdraw")
@requires(*READS)
def withdraw(run_id: UUID) -> ResponseReturnValue:
    """Withdraw a draft: what it claimed is free for the next one."""
    here = url_for("runs.show", run_id=run_id)
    try:
        with unit_of_work(current().database) as session:
            withdraw_run(session, run_id, by=signed_in().id, at=current().clock.now())
    except SesameError as refusal:
        return _refused(refusal, here)
    flash(_("Campagne retirée. Ce qu'elle devait payer ira dans la prochaine."), "ok")
    return redirect(here)


@blueprint.post("/console/runs/<uuid:run_id>/bank-file")
@requires(*APPROVES)
def make_bank_file(run_id: UUID) -> ResponseReturnValue:
    """Make the bank file of an approved run and give it; the first time fixes the day of payment."""
    try:
        with unit_of_work(current().database) as session:
            export_run(session, current().settings, run_id, current().clock.now())
            content = run_file(session, run_id)
            name = f"{find_run(session, run_id).message_id}.xml"
    except SesameError as refusal:
        return _refused(refusal, url_for("runs.show", run_id=run_id))
    return _download(content, name, "application/xml")


@blueprint.get("/console/runs/<uuid:run_id>/bank-file")
@requires(*APPROVES)
def bank_file(run_id: UUID) -> Response:
    """Give the bank file that was made of a run: the same bytes each time."""
    with unit_of_work(current().database) as session:
        content = run_file(session, run_id)
        name = f"{find_run(session, run_id).message_id}.xml"
    return _download(content, name, "application/xml")


@blueprint.get("/console/runs/<uuid:run_id>/statement.csv")
@requires(*READS)
def statement(run_id: UUID) -> Response:
    """Give every sale and refund of a run, once each, without a person's data."""
    return _statement(run_id, None)


@blueprint.get("/console/runs/<uuid:run_id>/payments/<uuid:remittance_id>/statement.csv")
@requires(*READS)
def payment_statement(run_id: UUID, remittance_id: UUID) -> Response:
    """Give the sales and refunds that one payment pays."""
    return _statement(run_id, remittance_id)


def masked_iban(iban: str) -> str:
    """Return the country, the key and the last four characters: enough to recognise an account."""
    return f"{iban[:4]} •••• {iban[-4:]}"


def _statement(run_id: UUID, remittance_id: UUID | None) -> Response:
    database = current().database
    with unit_of_work(database) as session:
        run = find_run(session, run_id)
        zone = current_scheme(session).zone
        if remittance_id is not None and not any(statement_rows(session, run_id, remittance_id)):
            raise RunUnknown()

    def lines() -> Iterator[str]:
        with unit_of_work(database) as reading:
            yield from statement_csv(statement_rows(reading, run_id, remittance_id), zone)

    suffix = f"-{remittance_id.hex[-8:]}" if remittance_id else ""
    return _download(stream_with_context(lines()), f"{run.message_id}{suffix}.csv", "text/csv")


def _download(content: Any, name: str, media_type: str) -> Response:
    response = Response(content, mimetype=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _refused(refusal: SesameError, back: str) -> ResponseReturnValue:
    flash(f"{refusal.sentence()} ({refusal.code})", "no")
    return redirect(back)


def _waiting(session: Session, now: datetime) -> list[tuple[Payer, Owed, list[LeftOut]]]:
    found = [
        (payer, owed(session, payer, now), left_out(session, payer, now))
        for payer in payers(session).values()
    ]
    return [(payer, amount, left) for payer, amount, left in found if amount.cents or left]


def _left_out(session: Session, run: Run) -> list[LeftOut]:
    payer = payers(session).get(run.payer)
    return left_out(session, payer, run.cutoff_at) if payer else []


def _names(session: Session, run: Run) -> dict[UUID, str]:
    wanted = [each for each in (run.drafted_by, run.approved_by, run.withdrawn_by) if each]
    rows = session.execute(
        select(IdentityRow.id, IdentityRow.display_name).where(IdentityRow.id.in_(wanted))
    )
    return {row.id: row.display_name for row in rows}
