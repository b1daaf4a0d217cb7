"""Who pays in the invented region: two local authorities, and the money that they set aside.

Both are invented: their SIRENs start with 0004, their accounts are at the bank that doesn't exist.
"""

from dataclasses import dataclass

from .keys import french_iban, siren
from .purses import PURSES
from .shops import BANK_CODE, BIC
from .students import Student

_SIREN_PREFIX = "0004"
_BRANCH = "00004"


@dataclass(frozen=True)
class Funder:
    """A local authority, as it is declared to the product. All fields are text."""

    code: str
    name: str
    siren: str
    iban: str
    bic: str
    street: str
    postal_code: str
    town: str


@dataclass(frozen=True)
class Budget:
    """What a funder sets aside for a programme, in cents."""

    funder: str
    programme: str
    cents: int


REGION = Funder(
    code="region",
    name="Région Val-d'Ambre",
    siren=siren(_SIREN_PREFIX, 1),
    iban=french_iban(BANK_CODE, _BRANCH, "00000000001"),
    bic=BIC,
    street="1 place de l'Ambre",
    postal_code="63200",
    town="Riom",
)
DEPARTMENT = Funder(
    code="departement",
    name="Département de la Haute-Ambre",
    siren=siren(_SIREN_PREFIX, 2),
    iban=french_iban(BANK_CODE, _BRANCH, "00000000002"),
    bic=BIC,
    street="12 quai des Lucioles",
    postal_code="43000",
    town="Le Puy-en-Velay",
)
FUNDERS = (REGION, DEPARTMENT)


def budgets(students: tuple[Student, ...]) -> tuple[Budget, ...]:
    """Return what each funder must set aside to grant every purse to all who get it.

    A tenth more than needed, to the next thousand euros: nobody votes a budget to the cent.
    """
    voted = []
    for purse in PURSES:
        holders = sum(purse.is_for(student) for student in students if student.on_roll)
        for funder, percent in purse.shares:
            needed = holders * purse.cents * percent * 110 // 10_000
            voted.append(Budget(funder, purse.programme, -(-needed // 100_000) * 100_000))
    return tuple(voted)
