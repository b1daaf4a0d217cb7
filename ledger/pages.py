"""The console's pages on the book: chart of accounts, one account, one transfer's story, proofs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

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
from sqlalchemy import select

from ledger.api import proof_as_json
from ledger.checkpoints import latest_checkpoint
from ledger.closings import closed_before
from ledger.model import ACCOUNT_KINDS, Account, Transfer
from ledger.proofs import proof_for
from ledger.reading.accounts import (
    chart,
    find_account,
    find_transfer,
    kept_balance,
    list_accounts,
    transfers_of,
)
from ledger.reading.naming import name_accounts
from ledger.reading.reasons import AccountUnknown, NoCheckpointYet, NotSealedYet
from ledger.reading.story import story
from ledger.reading.words import ACCOUNT, ACCOUNTS, TRANSFERS
from ledger.sealing import seal_state
from ledger.statements.as_of import balances_as_of
from ledger.statements.files import as_csv, as_json, as_pdf
from ledger.statements.statement import statement
from ledger.thresholds import warned
from sesame.platform.clock import day_bounds, day_in
from sesame.platform.identity import requires
from sesame.platform.scheme import current_scheme
from sesame.platform.web import current
from sesame.platform.web.hooks import explain

READS = ("officer", "accountant", "auditor")
ROWS_A_PAGE = 50

blueprint = Blueprint(
    "ledger",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/ledger",
)


@blueprint.app_context_processor
def _words() -> dict[str, Any]:
    return {"account_words": ACCOUNT, "accounts_words": ACCOUNTS, "transfer_words": TRANSFERS}


@dataclass(frozen=True)
class Period:
    """Which days of an account are shown, and as they were known at the end of which day."""

    first: date
    last: date
    known: date | None

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime, datetime | None]:
        """Return its first moment, the moment after its last, and from when on nothing was known."""
        known = None if self.known is None else day_bounds(zone, self.known)[1]
        return day_bounds(zone, self.first)[0], day_bounds(zone, self.last)[1], known

    @property
    def values(self) -> dict[str, str]:
        """Return it as the query of an address."""
        days = {"first": self.first, "last": self.last, "known": self.known}
        return {name: day.isoformat() for name, day in days.items() if day is not None}


@blueprint.get("/console/ledger")
@requires(*READS)
def index() -> str:
    """Show the chart of accounts, the seal, how far the books are closed, and the envelopes."""
    now = current().clock.now()
    with current().database.sessions() as session:
        lines = chart(session)
        envelopes = session.scalars(
            select(Account).where(Account.kind == "envelope").order_by(Account.id).limit(200)
        ).all()
        names = name_accounts(session, envelopes)
        left = balances_as_of(session, [each.id for each in envelopes])
        return render_template(
            "ledger/chart.html",
            assets={asset: [line for line in lines if line.asset == asset]
                    for asset in dict.fromkeys(line.asset for line in lines)},
            seal=seal_state(session, now),
            checkpoint=latest_checkpoint(session),
            closed=closed_before(session),
            envelopes=sorted(envelopes, key=lambda each: names[each.id].title),
            names=names,
            left=left,
            warned={each.account_id: each for each in warned(session)},
            zone=current_scheme(session).zone,
        )  # fmt: skip


@blueprint.get("/console/ledger/find")
@requires(*READS)
def find() -> ResponseReturnValue:
    """Lead to the transfer or the account of an id."""
    try:
        wanted = UUID(request.args.get("id", "").strip())
    except ValueError:
        flash(f"{AccountUnknown().sentence()} ({AccountUnknown.reason.code})", "no")
        return redirect(url_for("ledger.index"))
    with current().database.sessions() as session:
        if session.get(Transfer, wanted) is not None:
            return redirect(url_for("ledger.transfer", transfer_id=wanted))
        found = session.get(Account, wanted)
        if found is None:
            flash(f"{AccountUnknown().sentence()} ({AccountUnknown.reason.code})", "no")
            return redirect(url_for("ledger.index"))
        return redirect(account_url(found))


@blueprint.get("/console/ledger/accounts")
@requires(*READS)
def accounts() -> str:
    """List the accounts of one kind, page after page."""
    kind = request.args.get("kind", "envelope")
    if kind not in ACCOUNT_KINDS:
        raise AccountUnknown()
    after = request.args.get("after", type=UUID)
    with current().database.sessions() as session:
        page = list_accounts(session, kind=kind, after=after, limit=ROWS_A_PAGE)
        return render_template(
            "ledger/accounts.html",
            kind=kind,
            page=page,
            first_page=after is None,
            names=name_accounts(session, page.rows),
            balances=balances_as_of(session, [each.id for each in page.rows]),
            address=account_url,
            zone=current_scheme(session).zone,
        )


@blueprint.get("/console/ledger/accounts/<uuid:account_id>")
@requires(*READS)
def account(account_id: UUID) -> str:
    """Show an account over a period: what it held, what moved, what it holds."""
    with current().database.sessions() as session:
        shown = find_account(session, account_id)
        zone = current_scheme(session).zone
        period = _period(zone)
        since, before, known = period.bounds(zone)
        page = transfers_of(
            session,
            account_id,
            after=request.args.get("after", type=UUID),
            limit=ROWS_A_PAGE,
            since=since,
            before=before,
            known_before=known,
        )
        ids = {each.debit_account_id for each in page.rows} | {
            each.credit_account_id for each in page.rows
        }
        others = session.scalars(select(Account).where(Account.id.in_(ids | {account_id}))).all()
        at = {
            moment: balances_as_of(
                session, [account_id], counted_before=moment, recorded_before=known
            )[account_id]
            for moment in (since, before)
        }
        return render_template(
            "ledger/account.html",
            account=shown,
            kept=kept_balance(session, account_id),
            period=period,
            opening=at[since],
            closing=at[before],
            page=page,
            first_page="after" not in request.args,
            names=name_accounts(session, others),
            zone=zone,
        )


@blueprint.get("/console/ledger/accounts/<uuid:account_id>/statement.<any(csv, json, pdf):form>")
@requires(*READS)
def account_statement(account_id: UUID, form: str) -> Response:
    """Give the statement of a period as a file."""
    database = current().database
    with database.sessions() as session:
        account = find_account(session, account_id)
        scheme = current_scheme(session)
        since, before, known = _period(scheme.zone).bounds(scheme.zone)
        name = f"{account.kind}-{account_id.hex[-8:]}-{since.astimezone(scheme.zone):%Y%m%d}.{form}"
        title = name_accounts(session, [account])[account_id].title
        if form == "pdf":
            made = statement(session, account_id, since=since, before=before, known_before=known)
            content = as_pdf(made, scheme.zone, scheme_name=scheme.name, title=title)
            return _download(content, name, "application/pdf")

    def lines() -> Iterator[str]:
        with database.sessions() as reading:
            made = statement(reading, account_id, since=since, before=before, known_before=known)
            yield from as_json(made) if form == "json" else as_csv(made, scheme.zone)

    media_type = "application/json" if form == "json" else "text/csv"
    return _download(stream_with_context(lines()), name, media_type)


@blueprint.get("/console/ledger/transfers/<uuid:transfer_id>")
@requires(*READS)
def transfer(transfer_id: UUID) -> str:
    """Tell the whole story of a transfer's euros, each step linked."""
    with current().database.sessions() as session:

        def payment_of(sale: UUID) -> UUID | None:
            found = explain("payment_of", session, [sale]).get(sale)
            return None if found is None else found.leads_to

        told = story(session, transfer_id, payment_of=payment_of)
        sales = explain("capture", session, [each.correlation_id for each in told.sales])
        payment = explain("remit", session, [told.payment_id] if told.payment_id else [])
        envelopes = session.scalars(
            select(Account).where(
                Account.id.in_(
                    [each.envelope_id for each in told.funds]
                    + [each.funding_id for each in told.funds if each.funding_id]
                )
            )
        )
        everything = told.accounts | {each.id: each for each in envelopes}
        if told.purse is not None:
            everything[told.purse.id] = told.purse
        return render_template(
            "ledger/transfer.html",
            story=told,
            transfer=told.transfer,
            names=name_accounts(session, everything.values()),
            accounts=everything,
            sales=sales,
            payment=next(iter(payment.values()), None),
            address=account_url,
            proof=proof_for(session, transfer_id),
            zone=current_scheme(session).zone,
        )


@blueprint.get("/console/ledger/transfers/<uuid:transfer_id>/proof.json")
@requires(*READS)
def transfer_proof(transfer_id: UUID) -> Response:
    """Give the proof that a transfer is in the sealed log."""
    with current().database.sessions() as session:
        find_transfer(session, transfer_id)
        proof = proof_for(session, transfer_id)
    if proof is None:
        raise NotSealedYet()
    content = json.dumps(proof_as_json(proof), default=str, indent=2)
    return _download(content, f"proof-{transfer_id}.json", "application/json")


@blueprint.get("/console/ledger/checkpoint.txt")
@requires(*READS)
def checkpoint() -> Response:
    """Give the latest signed checkpoint: whoever keeps it can tell later if the past was rewritten."""
    with current().database.sessions() as session:
        found = latest_checkpoint(session)
    if found is None:
        raise NoCheckpointYet()
    return _download(found.note, f"checkpoint-{found.size}.txt", "text/plain; charset=utf-8")


def account_url(account: Account) -> str:
    """Return the address of the page about an account: an envelope has one of its own."""
    if account.kind == "envelope":
        return url_for("ledger_envelopes.show", account_id=account.id)
    return url_for("ledger.account", account_id=account.id)


def _period(zone: ZoneInfo) -> Period:
    """Return the period that was asked for; this month without one. Days that aren't days are ignored."""
    today = day_in(zone, current().clock.now())
    first = _day("first") or today.replace(day=1)
    last = _day("last") or max(today, first)
    return Period(first, max(first, last), _day("known"))


def _day(name: str) -> date | None:
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return day if date(2000, 1, 1) <= day <= date(2200, 1, 1) - timedelta(days=1) else None


def _download(content: Any, name: str, media_type: str) -> Response:
    response = Response(content, content_type=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
