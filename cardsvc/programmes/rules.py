"""A programme's rules as values, once its file has been checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cardsvc.programmes.eligibility import AllOf, Condition

SHARE_DECIMALS = 4
WHOLE_WEIGHT = 1_000_000
"""The sum of the funders' weights: a share of 60 % weighs 600,000."""


@dataclass(frozen=True)
class Season:
    """Days in the scheme's zone. Spendable from the start of `first` to the end of `last`; a sale of
    the season may be sent in until the end of `grace`.
    """

    name: str
    first: date
    last: date
    grace: date


@dataclass(frozen=True)
class Caps:
    """Limits in cents; None where there is none. per_season: within a category only."""

    per_purchase_cents: int | None = None
    per_day_cents: int | None = None
    unit_price_cents: int | None = None
    per_season_cents: int | None = None


@dataclass(frozen=True)
class BenefitLine:
    """What one line gives: amount_cents for a season, for these categories, within these caps.

    eligibility: a further condition for this line, or None.
    """

    id: str
    names: Mapping[str, str]
    amount_cents: int
    categories: tuple[str, ...]
    eligibility: Condition | None
    caps: Caps
    category_caps: Mapping[str, Caps]


@dataclass(frozen=True)
class FunderShare:
    """A funder's code and weight; the weights of a programme sum to `WHOLE_WEIGHT`."""

    funder: str
    weight: int


@dataclass(frozen=True)
class Programme:
    """All of a programme's rules. document: the file's content, as texts; source: the file itself."""

    slug: str
    names: Mapping[str, str]
    season: Season
    priority: int
    eligibility: Condition
    lines: tuple[BenefitLine, ...]
    funders: tuple[FunderShare, ...]
    paying_body: str
    regime: str
    document: Mapping[str, Any]
    source: str

    def condition_of(self, line: BenefitLine) -> Condition:
        """Return the whole condition of a line: the programme's and its own."""
        if line.eligibility is None:
            return self.eligibility
        return AllOf((self.eligibility, line.eligibility))

    def priority_of(self, line: BenefitLine) -> int:
        """Return the order in which the line is spent, among all programmes: the smallest first."""
        return self.priority * 100 + self.lines.index(line)
