"""What publishing would do: how many people, how much money, by grade and department; and for one
named person, why or why not. Changes nothing.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, TextClause
from sqlalchemy.orm import Session

from cardsvc.programmes.eligibility import holds
from cardsvc.programmes.explaining import Explanation, explain
from cardsvc.programmes.needs import EnvelopeNeed, envelope_needs
from cardsvc.programmes.people_facts import facts_of
from cardsvc.programmes.population import candidates_query
from cardsvc.programmes.rules import Programme


@dataclass(frozen=True)
class LineCount:
    """One line: who is eligible, how many of them have it already, what granting the rest costs."""

    line: str
    people: int
    already: int
    to_grant: int
    total_cents: int


@dataclass(frozen=True)
class GroupCount:
    """One grade or department ("" where it isn't known): who is eligible for a line at least."""

    value: str
    people: int
    total_cents: int


@dataclass(frozen=True)
class DryRun:
    """The figures of a dry run on the day `on`. total_cents: what would be granted."""

    on: date
    people: int
    total_cents: int
    lines: tuple[LineCount, ...]
    by_grade: tuple[GroupCount, ...]
    by_department: tuple[GroupCount, ...]
    envelopes: tuple[EnvelopeNeed, ...]


@dataclass(frozen=True)
class PersonAnswer:
    """One person and one line: whether they get it, and a sentence for each condition."""

    line: str
    ok: bool
    explanation: Explanation


def dry_run(session: Session, programme: Programme, on: date) -> DryRun:
    """Return what publishing `programme` on the day `on` would grant. One statement, plus balances."""
    statement, parameters = _statement(programme, on)
    rows = session.execute(statement, parameters).mappings().all()
    by_grade: list[GroupCount] = []
    by_department: list[GroupCount] = []
    lines: tuple[LineCount, ...] = ()
    people = 0
    for row in rows:
        counts = _line_counts(programme, row)
        if row["grade_folded"] and row["department_folded"]:
            lines, people = counts, row["people"]
            continue
        if row["people"] == 0:
            continue
        value = row["department"] if row["grade_folded"] else row["grade"]
        group = GroupCount(value or "", row["people"], sum(each.total_cents for each in counts))
        (by_department if row["grade_folded"] else by_grade).append(group)
    grants = {each.line: each.to_grant for each in lines}
    return DryRun(
        on=on,
        people=people,
        total_cents=sum(each.total_cents for each in lines),
        lines=lines,
        by_grade=tuple(by_grade),
        by_department=tuple(by_department),
        envelopes=envelope_needs(session, programme, grants),
    )


def explain_person(
    session: Session, programme: Programme, beneficiary_id: UUID, on: date
) -> tuple[PersonAnswer, ...]:
    """Return, for each line, whether this person gets it on the day `on`, and why.

    Raises `BeneficiaryUnknown`.
    """
    facts = facts_of(session, beneficiary_id, on)
    answers = []
    for line in programme.lines:
        condition = programme.condition_of(line)
        answers.append(PersonAnswer(line.id, holds(condition, facts), explain(condition, facts)))
    return tuple(answers)


def _statement(programme: Programme, on: date) -> tuple[TextClause, dict[str, Any]]:
    places = range(len(programme.lines))
    counts = [
        f"count(*) FILTER (WHERE l{index}) AS people{index}, "
        f"count(*) FILTER (WHERE g{index}) AS to_grant{index}"
        for index in places
    ]
    some = " OR ".join(f"l{index}" for index in places)
    wanted = f"""
        SELECT grade, department, grouping(grade) = 1 AS grade_folded,
               grouping(department) = 1 AS department_folded,
               count(*) FILTER (WHERE {some}) AS people, {", ".join(counts)}
          FROM candidate
         GROUP BY GROUPING SETS ((), (grade), (department))
         ORDER BY grade, department"""
    return candidates_query(programme, on, wanted)


def _line_counts(programme: Programme, row: RowMapping) -> tuple[LineCount, ...]:
    counts = []
    for index, line in enumerate(programme.lines):
        people, to_grant = row[f"people{index}"], row[f"to_grant{index}"]
        cents = to_grant * line.amount_cents
        counts.append(LineCount(line.id, people, people - to_grant, to_grant, cents))
    return tuple(counts)
