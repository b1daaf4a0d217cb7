"""An order to a bank, as the tests of the rails start from."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from merchants.rails.sepa import Address, CreditTransfer, Party, PaymentOrder

REGION = Party(
    name="Région Val-d'Ambre & Cie",
    iban="FR1420041010050500013M02606",
    bic="PSSTFRPP",
    address=Address("place de l'Hôtel-de-Région", "69002", "Lyon", "FR", "1"),
)
BOOKSHOP = Party(
    name="Librairie de l'Épée",
    iban="FR7630006000011234567890189",
    bic="AGRIFRPP",
    address=Address("rue des Écoles", "42000", "Saint-Étienne", "FR", "12 bis"),
)
CINEMA = Party(
    name="Cinéma Le Phare",
    iban="DE89370400440532013000",
    bic=None,
    address=Address("", "38000", "Grenoble", "FR"),
)


@pytest.fixture
def order() -> PaymentOrder:
    """Two payments, one with a BIC and one without."""
    return PaymentOrder(
        message_id="FR-VA-20261124-0A1B2C3D4E5F",
        created_at=datetime(2026, 11, 24, 9, 0, 5, tzinfo=UTC),
        execution_on=date(2026, 11, 25),
        debtor=REGION,
        transfers=[
            CreditTransfer("E2E-1", BOOKSHOP, 5_760, "Remboursement & ventes"),
            CreditTransfer("E2E-2", CINEMA, 10, "Remboursement"),
        ],
    )


@pytest.fixture
def paying(order: PaymentOrder) -> Callable[..., PaymentOrder]:
    """Return the same order with its first payment, or its creditor, changed."""

    def change(creditor: dict[str, object] | None = None, **fields: object) -> PaymentOrder:
        first, *rest = order.transfers
        if creditor:
            fields["creditor"] = replace(first.creditor, **creditor)
        return replace(order, transfers=[replace(first, **fields), *rest])

    return change
