"""An invented Region's people, funders and files, written by plain SQL and plain text."""

import copy
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from cardsvc.programmes.checking import check
from cardsvc.programmes.envelopes import Address, add_funder, fund_envelope
from cardsvc.programmes.rules import Programme
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

REGION = {
    "code": "region",
    "name": "Région Val-d'Ambre",
    "siren": "732829320",
    "iban": "FR7630006000011234567890189",
    "bic": "AGRIFRPPXXX",
}
DEPARTMENT = {
    "code": "departement",
    "name": "Département de l'Ambre",
    "siren": "552100554",
    "iban": "FR7610107001011234567890129",
    "bic": "BREDFRPPXXX",
}

A_FILE: dict[str, Any] = {
    "format": 1,
    "programme": "manuels-ambre",
    "name": {"fr": "Manuels", "en": "Textbooks"},
    "season": {"name": "2026-2027", "from": "2026-09-01", "until": "2027-05-31"},
    "priority": 100,
    "eligibility": {"all": [{"status": "lyceen"}, {"grade": ["seconde", "premiere"]}]},
    "lines": [
        {
            "id": "manuels",
            "name": {"fr": "Manuels scolaires", "en": "Textbooks"},
            "amount": "70.00",
            "categories": ["textbooks"],
        }
    ],
    "funders": [{"funder": "region", "share": "100"}],
    "paying_body": "region",
    "regime": "mandate",
}


def as_file(content: Any) -> bytes:
    """JSON is YAML too, and has none of what our reader refuses."""
    return json.dumps(content, indent=1, ensure_ascii=False).encode()


@pytest.fixture
def write() -> Callable[[Any], bytes]:
    """Return the function that writes a file's content."""
    return as_file


@pytest.fixture
def content() -> dict[str, Any]:
    """A right file's content, to be changed by the test."""
    return copy.deepcopy(A_FILE)


@pytest.fixture
def rules(content: dict[str, Any]) -> Callable[..., Programme]:
    """Return a function that gives the rules of the file, with some fields changed."""

    def make(**changes: Any) -> Programme:
        return check(as_file({**content, **changes}))

    return make


@dataclass
class Region:
    """What a test puts into its database, committed, and reads back by plain SQL."""

    url: str
    database: Any
    at: datetime
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *values: Any) -> Any:
        [(value,)] = self.sql(statement, *values)
        return value

    def person(self, birth_date: str = "2010-03-15", **facts: str | list[str]) -> UUID:
        return self.people(1, birth_date, **facts)[0]

    def people(
        self, count: int, birth_date: str = "2010-03-15", **facts: str | list[str]
    ) -> list[UUID]:
        ids = [uuid7() for _ in range(count)]
        rows = [
            (uuid7(), each, name, value)
            for each in ids
            for name, values in facts.items()
            for value in ([values] if isinstance(values, str) else values)
        ]
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO cardsvc.beneficiary (id, ine, family_name, given_name, birth_date,"
                " created_at) VALUES (%s, %s, 'Ambre', 'Camille', %s, %s)",
                [
                    (each, f"{next(self.numbers):09d}AA", date.fromisoformat(birth_date), self.at)
                    for each in ids
                ],
            )
            cursor.executemany(
                "INSERT INTO cardsvc.fact (id, beneficiary_id, name, value, source, valid_from,"
                " recorded_at) VALUES (%s, %s, %s, %s, 'roll:test', '2026-09-01', %s)",
                [(*row, self.at) for row in rows],
            )
        return ids

    def funder(self, particulars: Mapping[str, str] = REGION) -> UUID:
        with unit_of_work(self.database) as session:
            address = Address("1 place de l'Ambre", "99000", "Ambreville")
            return add_funder(session, **particulars, address=address, at=self.at)

    def fund(self, amount_cents: int, funder: str = "region", programme: str = "") -> None:
        with unit_of_work(self.database) as session:
            fund_envelope(
                session,
                funder=funder,
                programme=programme or A_FILE["programme"],
                amount_cents=amount_cents,
                key=f"budget-{next(self.numbers):04d}",
                at=self.at,
            )

    def balance(self, account_id: UUID) -> int:
        """What an account was credited less what it was debited, over the transfers themselves."""
        return self.one(
            "SELECT coalesce(sum(CASE WHEN credit_account_id = %s THEN amount ELSE -amount END), 0)"
            "::bigint FROM ledger.transfer WHERE %s IN (debit_account_id, credit_account_id)",
            account_id,
            account_id,
        )

    def envelope_balance(self, funder: str = "region") -> int:
        return self.balance(
            self.one(
                "SELECT e.account_id FROM cardsvc.envelope e"
                " JOIN cardsvc.funder f ON f.id = e.funder_id WHERE f.code = %s",
                funder,
            )
        )


@pytest.fixture
def region(test_database: Any, database: Any, scheme: Any, at: datetime) -> Region:
    """The test's Region, with nobody in it yet."""
    return Region(test_database.url(), database, at)
