"""An auditor follows a real purchase through the console, and never meets the person."""

from datetime import timedelta

from merchants.reimbursements.approve import approve_run
from merchants.reimbursements.draft import draft_run
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity


def test_a_purchase_is_followed_from_the_region_to_the_bank_file(town):
    answer = town.answer(("textbooks", 1_240))
    ((sale,),) = town.sql(
        "SELECT id FROM ledger.transfer WHERE correlation_id = %s", answer["purchase_id"]
    )
    auditor = town.sign_in("auditor")
    path = f"/console/ledger/transfers/{sale}"
    page = auditor.get(path).get_data(as_text=True)
    for told in (
        f"Achat {answer['authorisation']} · Librairie des Trois Ponts · 24 novembre 2026, 10:00",
        "Région Val-d&#39;Ambre · ",
        "Dû au partenaire",
    ):
        assert told in page, told
    town.clock.advance(timedelta(minutes=1))
    at = town.clock.now()
    with unit_of_work(town.database) as session:
        by = [
            create_identity(session, role=role, display_name="A. Martin", at=at)
            for role in ("officer", "accountant")
        ]
        run_id = draft_run(session, paying_funder="region", cutoff_at=at, by=by[0], at=at)
    page = auditor.get(path).get_data(as_text=True)
    assert "Dans une campagne à approuver" in page
    with unit_of_work(town.database) as session:
        approve_run(session, run_id, by=by[1], at=at)
    ((reference,),) = town.sql(
        "SELECT end_to_end_id FROM merchants.remittance r JOIN merchants.run_line l"
        " ON l.remittance_id = r.id WHERE l.transfer_id = %s", sale,
    )  # fmt: skip
    page = auditor.get(path).get_data(as_text=True)
    for told in (f"Virement {reference}", "fichier bancaire à produire", f"/console/runs/{run_id}"):
        assert told in page, told
    assert "Zoé" not in page.replace("<strong>Zoé</strong>", "").replace("<p>Zoé</p>", "")
    assert "EXEMPLE" not in page
