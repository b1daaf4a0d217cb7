"""Staff read which run and which line at the bank a payment is, and in which one a sale was paid."""

import pytest

from merchants.reimbursements.explaining_payments import explain_payments, payment_of
from sesame.app.rooms import registry
from sesame.platform.ids import uuid7
from sesame.platform.web import Shell, create_shell


@pytest.fixture
def speaking(settings, database, clock, scheme):
    """A request of the whole console, in French."""
    app = create_shell(Shell(settings, database, clock), registry())
    with app.test_request_context(headers={"Accept-Language": "fr"}):
        yield


def test_a_payment_is_called_by_its_end_to_end_id(
    region, draft, approve, withdraw, database, at, speaking
):
    envelope = region.envelope(region.funder())
    sale = region.sale(region.payee(), envelope, 1_240)
    withdrawn = draft()
    with database.sessions() as session:
        (told,) = payment_of(session, [sale]).values()
        assert told.detail == "campagne à approuver"
    withdraw(withdrawn)
    with database.sessions() as session:
        assert payment_of(session, [sale]) == {}
    run_id = draft()
    approve(run_id)
    remittance, reference = region.rows(
        "SELECT id, end_to_end_id FROM merchants.remittance WHERE run_id = %s", run_id
    )[0]
    message = region.value("SELECT message_id FROM merchants.run WHERE id = %s", run_id)
    with database.sessions() as session:
        (told,) = payment_of(session, [sale, uuid7(at)]).values()
        assert (told.leads_to, told.detail) == (remittance, "")
        (paid,) = explain_payments(session, [remittance, uuid7(at)]).values()
    assert paid.title == f"Virement {reference}"
    assert paid.detail == f"campagne {message} · 1 opération · fichier bancaire à produire"
    assert paid.url == f"/console/runs/{run_id}"
