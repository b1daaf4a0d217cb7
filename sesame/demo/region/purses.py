"""What each student of the invented region can spend, in the plainest words.

The programmes themselves are `programmes/*.yaml`, which the product reads; this says the same for
those who plan purchases and budgets without the product. A test holds the two together.
"""

from dataclasses import dataclass

from .catalogue import BOOKS, CINEMA, COMICS, TEXTBOOKS
from .students import Student


@dataclass(frozen=True)
class Purse:
    """What one programme gives each student whom it is for."""

    programme: str
    cents: int
    categories: frozenset[str]
    shares: tuple[tuple[str, int], ...]
    """Funders by code, and how many hundredths each bears."""
    grades: frozenset[str] | None = None
    """The grades (as in `tracks`) that get it; None for all."""
    apprentices: bool = True

    def is_for(self, student: Student) -> bool:
        """Return whether the student gets this purse, as far as grade and status decide."""
        if student.apprentice and not self.apprentices:
            return False
        return self.grades is None or student.grade in self.grades


PURSES: tuple[Purse, ...] = (
    Purse(
        programme="manuels-lyceens",
        cents=7000,
        categories=frozenset({TEXTBOOKS}),
        shares=(("region", 100),),
        grades=frozenset({"premiere", "terminale"}),
        apprentices=False,
    ),
    Purse(
        programme="lecture-plaisir",
        cents=2000,
        categories=frozenset({BOOKS, COMICS}),
        shares=(("region", 100),),
    ),
    Purse(
        programme="cinema-jeunes",
        cents=2500,
        categories=frozenset({CINEMA}),
        shares=(("region", 60), ("departement", 40)),
    ),
)
