"""Conditions on the whole population: one SQL statement over the facts that hold on a day.

The facts are read once and folded to one row a person, with a truth value for each simple
condition; what combines them is plain boolean algebra on that row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import TextClause, text

from cardsvc.programmes.eligibility import (
    AgeBetween,
    AllOf,
    AnyOf,
    Condition,
    FactIs,
    NoneOf,
    facts_needed,
)
from cardsvc.programmes.rules import Programme

GROUPING_FACTS = ("grade", "department")


@dataclass
class _Compiler:
    """Gathers the simple conditions as columns c0, c1… and their values as parameters."""

    columns: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)

    def compile(self, condition: Condition) -> str:
        match condition:
            case AllOf(parts):
                return "(" + " AND ".join(self.compile(each) for each in parts) + ")"
            case AnyOf(parts):
                return "(" + " OR ".join(self.compile(each) for each in parts) + ")"
            case NoneOf(part):
                return f"(NOT {self.compile(part)})"
            case FactIs():
                return self.column(self.fact_is(condition))
            case AgeBetween():
                return self.column(self.age_between(condition))

    def column(self, test: str) -> str:
        self.columns.append(f"coalesce(bool_or({test}), false)")
        return f"c{len(self.columns) - 1}"

    def parameter(self, value: object) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"

    def fact_is(self, condition: FactIs) -> str:
        named = f"f.name = {self.parameter(condition.name)}"
        if condition.values is None:
            return named
        values = self.parameter(list(condition.values))
        compared = "^@" if condition.by_prefix else "="
        return f"{named} AND f.value {compared} ANY (CAST({values} AS text[]))"

    def age_between(self, condition: AgeBetween) -> str:
        """Dates written year first compare as texts, and a text may say 29 February of any year."""
        test = "f.name = 'birth_date'"
        day = condition.day
        if condition.at_least is not None:
            latest = f"{day.year - condition.at_least:04d}-{day.month:02d}-{day.day:02d}"
            test += f' AND f.value COLLATE "C" <= {self.parameter(latest)}'
        if condition.at_most is not None:
            after = f"{day.year - condition.at_most - 1:04d}-{day.month:02d}-{day.day:02d}"
            test += f' AND f.value COLLATE "C" > {self.parameter(after)}'
        return test


@dataclass(frozen=True)
class PopulationQuery:
    """A `WITH` list that ends in `judged(beneficiary_id, grade, department, l0, l1…)`.

    judged has a row for everyone; `l<n>` says whether the n-th condition holds. with_list: SQL text
    with named places; parameters: their values.
    """

    with_list: str
    parameters: dict[str, Any]


def population_query(conditions: Sequence[Condition], on: date) -> PopulationQuery:
    """Return the query that judges everyone by each of `conditions` on the day `on`."""
    compiler = _Compiler()
    judged = [f"{compiler.compile(each)} AS l{index}" for index, each in enumerate(conditions)]
    # Everyone has a birth date: asking for it gives a row to those without any other fact.
    names = {"birth_date", *GROUPING_FACTS}.union(*(facts_needed(each) for each in conditions))
    columns = [f"{test} AS c{index}" for index, test in enumerate(compiler.columns)]
    groups = [f"min(f.value) FILTER (WHERE f.name = '{name}') AS {name}" for name in GROUPING_FACTS]
    with_list = f"""
        person AS (
            SELECT f.beneficiary_id, {", ".join(groups + columns)}
              FROM cardsvc.facts_on(:on) f
             WHERE f.name = ANY (CAST(:names AS text[]))
             GROUP BY f.beneficiary_id
        ), judged AS (
            SELECT beneficiary_id, {", ".join((*GROUPING_FACTS, *judged))} FROM person
        )"""
    return PopulationQuery(with_list, compiler.parameters | {"on": on, "names": sorted(names)})


def candidates_query(
    programme: Programme, on: date, wanted: str
) -> tuple[TextClause, dict[str, Any]]:
    """Return a statement over `candidate`, and its parameters.

    candidate has a row for everyone: beneficiary_id, grade, department, and for the n-th line
    `l<n>` (eligible on the day `on`) and `g<n>` (eligible, and has nothing yet for that line and
    season). wanted: what follows the WITH list, text of ours.
    """
    query = population_query([programme.condition_of(each) for each in programme.lines], on)
    parameters = query.parameters | {"slug": programme.slug, "season": programme.season.name}
    columns = ["beneficiary_id", *GROUPING_FACTS]
    for index, line in enumerate(programme.lines):
        parameters[f"line{index}"] = line.id
        had = f"coalesce(:line{index} = ANY (held.lines), false)"
        columns += [f"l{index}", f"(l{index} AND NOT {had}) AS g{index}"]
    statement = f"""
        WITH {query.with_list}, held AS (
            SELECT e.beneficiary_id, array_agg(e.line) AS lines
              FROM cardsvc.entitlement e JOIN cardsvc.programme p ON p.id = e.programme_id
             WHERE p.slug = :slug AND e.season = :season
             GROUP BY e.beneficiary_id
        ), candidate AS (
            SELECT {", ".join(columns)} FROM judged LEFT JOIN held USING (beneficiary_id)
        )
        {wanted}"""
    return text(statement), parameters
