"""Random sales, refunds and runs over several connections, against a plain model of what must be."""

import itertools
from contextlib import ExitStack
from datetime import timedelta

import psycopg
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from merchants.reimbursements.reasons import NothingToPay
from sesame.platform.database.connection import OWNER_ROLE

PAYEES, ENVELOPES, CONNECTIONS = 3, 2, 3
_examples = itertools.count(1)

cents = st.one_of(st.integers(1, 9_999), st.integers(-9_999, -1))
sale = st.tuples(
    st.just("sale"),
    st.integers(0, PAYEES - 1),
    st.integers(0, ENVELOPES - 1),
    cents,
    st.integers(-3, 3),  # hours from the cut-off
    st.integers(0, CONNECTIONS - 1),
)
step = st.one_of(
    sale,
    sale,
    sale,
    st.tuples(st.just("commit"), st.integers(0, CONNECTIONS - 1)),
    st.tuples(st.just("run"), st.booleans()),
)


class Model:
    """What a run must claim: committed, before the cut-off, unclaimed, of a payee owed more than 0."""

    def __init__(self):
        self.committed, self.claimed = {}, {}

    def due(self, cutoff):
        owed = {}
        for transfer, (payee, amount, counts_at) in self.committed.items():
            if transfer not in self.claimed and counts_at < cutoff:
                owed.setdefault(payee, {})[transfer] = amount
        return {payee: lines for payee, lines in owed.items() if sum(lines.values()) > 0}


@hypothesis_settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(step, min_size=5, max_size=40))
def test_every_cent_ends_in_exactly_one_run_or_is_still_unclaimed(
    region, test_database, draft, approve, at, steps
):
    """Each example has a payer, envelopes and payees of its own."""
    payer = f"payer-{next(_examples)}"
    funder = region.funder(payer)
    envelopes = [region.envelope(funder) for _ in range(ENVELOPES)]
    payees = [region.payee() for _ in range(PAYEES)]
    payables = {
        (payee, envelope): region.payable(payee, envelope)
        for payee in payees
        for envelope in envelopes
    }
    cutoff, model = at - timedelta(hours=12), Model()
    with ExitStack() as stack:
        connections = [
            stack.enter_context(psycopg.connect(test_database.url(OWNER_ROLE)))
            for _ in range(CONNECTIONS)
        ]
        pending = [{} for _ in connections]
        for what, *values in steps:
            if what == "sale":
                payee, envelope, amount, hours, which = values
                counts_at = cutoff + timedelta(hours=hours)
                transfer = region.sale(
                    payees[payee], envelopes[envelope], amount, counts_at, connections[which]
                )
                pending[which][transfer] = (payees[payee], amount, counts_at)
            elif what == "commit":
                connections[values[0]].commit()
                model.committed |= pending[values[0]]
                pending[values[0]] = {}
            else:
                run_and_compare(region, draft, approve, model, payer, cutoff, approved=values[0])
        for connection, left in zip(connections, pending, strict=True):
            connection.commit()
            model.committed |= left
    run_and_compare(region, draft, approve, model, payer, cutoff, approved=True)
    check_the_books(region, model, payer, payables)


def run_and_compare(region, draft, approve, model, payer, cutoff, *, approved):
    due = model.due(cutoff)
    try:
        run_id = draft(payer=payer, cutoff_at=cutoff)
    except NothingToPay:
        assert due == {}
        return
    payments = dict(
        region.rows(
            "SELECT payee_id, amount_cents FROM merchants.remittance WHERE run_id = %s", run_id
        )
    )
    assert payments == {payee: sum(lines.values()) for payee, lines in due.items()}
    lines = dict(
        region.rows(
            "SELECT transfer_id, amount_cents FROM merchants.run_line WHERE run_id = %s", run_id
        )
    )
    assert lines == {transfer: amount for each in due.values() for transfer, amount in each.items()}
    model.claimed |= dict.fromkeys(lines, approved)
    if approved:
        approve(run_id)


def check_the_books(region, model, payer, payables):
    """By raw SQL: what the payables still hold is what no approved run has taken, to the cent."""
    for payee in {payee for payee, _envelope in payables}:
        held = sum(region.balance(account) for (of, _), account in payables.items() if of == payee)
        assert held == sum(
            amount
            for transfer, (of, amount, _) in model.committed.items()
            if of == payee and not model.claimed.get(transfer, False)
        )
    transit = region.rows(
        "SELECT account_id FROM merchants.transit_account WHERE payer = %s", payer
    )
    taken = sum(
        amount
        for transfer, (_, amount, _) in model.committed.items()
        if model.claimed.get(transfer, False)
    )
    assert sum(region.balance(account) for (account,) in transit) == taken
