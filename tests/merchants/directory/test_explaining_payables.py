"""Staff read whom a payable is owed to, and which envelope pays it."""

from sqlalchemy import text

from cardsvc.programmes.envelopes import Address, add_funder, fund_envelope
from merchants.directory.explaining_payables import explain_payables, payables_of
from merchants.directory.payables import payable_account
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7


def test_a_payable_is_called_by_its_payee_and_found_by_its_envelope(database, add_shop, at):
    first, second = add_shop("Librairie de l'Épée"), add_shop("Cinéma Le Phare")
    with unit_of_work(database) as session:
        add_funder(
            session, code="region", name="Région", siren="732829320", bic="AGRIFRPPXXX", at=at,
            iban="FR7630006000011234567890189", address=Address("1 rue A", "99000", "Ambreville"),
        )  # fmt: skip
        accounts = {}
        for programme in ("livres", "cinema"):
            envelope = fund_envelope(
                session, funder="region", programme=programme, amount_cents=1_000,
                key=f"fund-{programme}", at=at,
            )  # fmt: skip
            for shop in (first, second):
                account = payable_account(session, shop.payee_id, envelope.envelope_id, at)
                accounts.setdefault(envelope.envelope_id, []).append(account)
    every = [account for one in accounts.values() for account in one]
    with database.sessions() as session:
        found = explain_payables(session, [*every, uuid7(at)])
        assert set(found) == set(every)
        titles = [found[each].title for each in every]
        assert titles == ["Librairie de l'Épée", "Cinéma Le Phare"] * 2
        own = dict(
            session.execute(text("SELECT id, account_id FROM cardsvc.envelope")).tuples().all()
        )
        for envelope, payables in accounts.items():
            told = payables_of(session, [own[envelope], uuid7(at)])
            assert set(told) == set(payables)
            assert {each.leads_to for each in told.values()} == {own[envelope]}
