"""Dated facts: recorded for many at once, ended and never overwritten."""

from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from cardsvc.people import (
    FactChanges,
    StatedFact,
    display_name,
    end_facts,
    facts_at,
    record_facts,
    standing,
)
from sesame.platform.problems import NotFound
from sesame.platform.web.language import speak

ZOE, ALI = (UUID(int=number) for number in (1, 2))
SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)


@pytest.fixture
def people(session, at):
    """Two beneficiaries, by raw SQL."""
    for person, given_name, family, usual in (
        (ZOE, "Zoé", "EXEMPLE", None),
        (ALI, "ALI-RÉDA", "MODÈLE", "D'AMBRE"),
    ):
        session.execute(
            text(
                "INSERT INTO cardsvc.beneficiary (id, ine, family_name, usual_name, given_name, "
                "birth_date, created_at) VALUES (:id, :ine, :family, :usual, :given, "
                "'2010-02-03', :at)"
            ),
            {
                "id": person,
                "ine": f"{person.int:09d}AA",
                "family": family,
                "usual": usual,
                "given": given_name,
                "at": at,
            },
        )
    return session


@pytest.fixture
def record(people, at):
    """Record (person, name, value) triples said by one source."""

    def record(*stated, source="roll:0690026D", on=SEPTEMBER):
        facts = [StatedFact(*each) for each in stated]
        return record_facts(people, facts, source=source, on=on, at=at)

    return record


@pytest.fixture
def held(people):
    """Return what holds of everybody on a day, by raw SQL on the table."""

    def held(on):
        rows = people.execute(
            text(
                "SELECT beneficiary_id, name, value FROM cardsvc.fact WHERE valid_from <= :on "
                "AND (valid_until IS NULL OR valid_until > :on)"
            ),
            {"on": on},
        )
        return sorted(tuple(row) for row in rows)

    return held


def test_what_is_said_begins_and_saying_it_again_writes_nothing(record, held):
    stated = [(ZOE, "grade", "seconde"), (ZOE, "class", "2A"), (ALI, "grade", "premiere")]
    assert record(*stated) == FactChanges(ended=0, begun=3)
    assert record(*stated, on=OCTOBER) == FactChanges(0, 0)
    assert held(SEPTEMBER) == sorted(stated)


def test_a_new_value_ends_the_old_one_on_its_day(record, held):
    record((ZOE, "class", "2A"), (ALI, "class", "2A"))
    assert record((ZOE, "class", "2B"), on=OCTOBER) == FactChanges(1, 1)
    assert held(OCTOBER - timedelta(days=1)) == [(ZOE, "class", "2A"), (ALI, "class", "2A")]
    assert held(OCTOBER) == [(ZOE, "class", "2B"), (ALI, "class", "2A")]


def test_names_that_arent_mentioned_are_left_alone(record, held):
    record((ZOE, "class", "2A"), (ZOE, "grade", "seconde"))
    record((ZOE, "class", "2B"), on=OCTOBER)
    assert (ZOE, "grade", "seconde") in held(OCTOBER)


def test_another_kind_of_source_neither_ends_nor_repeats_a_fact(record, held):
    record((ZOE, "status", "lyceen"))
    said = record((ZOE, "status", "apprentice"), (ZOE, "status", "lyceen"), source="cfa:1")
    assert said == FactChanges(0, 1)
    assert held(SEPTEMBER) == [(ZOE, "status", "apprentice"), (ZOE, "status", "lyceen")]


def test_another_of_the_same_kind_takes_over_even_where_it_says_the_same(record, held, people):
    record((ZOE, "grade", "seconde"))
    assert record((ZOE, "grade", "seconde"), source="roll:0010001W", on=OCTOBER) == FactChanges(
        1, 1
    )
    assert end_facts(people, [ZOE], source="roll:0690026D", on=OCTOBER) == 0
    assert held(OCTOBER) == [(ZOE, "grade", "seconde")]


def test_a_sources_facts_end_for_those_named_only(record, held, people):
    record((ZOE, "grade", "seconde"), (ALI, "grade", "seconde"))
    assert end_facts(people, [ZOE], source="roll:0690026D", on=OCTOBER) == 1
    assert end_facts(people, [], source="roll:0690026D", on=OCTOBER) == 0
    assert held(OCTOBER) == [(ALI, "grade", "seconde")]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.dictionaries(st.sampled_from([ZOE, ALI]), st.sampled_from("ABC"), min_size=1),
        ),
        max_size=6,
    )
)
def test_after_any_history_each_has_the_value_said_last(people, record, held, said):
    savepoint = people.begin_nested()
    expected: dict[UUID, str] = {}
    day = SEPTEMBER
    for days, values in said:
        day += timedelta(days=days)
        record(*((person, "class", value) for person, value in values.items()), on=day)
        expected |= values
        assert held(day) == sorted((person, "class", value) for person, value in expected.items())
    savepoint.rollback()


def test_facts_are_read_by_name_with_the_birth_date_among_them(record, people, at):
    record((ZOE, "grade", "seconde"), (ZOE, "class", "2A"))
    record((ZOE, "class", "2B"), on=OCTOBER)
    facts = facts_at(people, ZOE, at)
    assert {name: [fact.value for fact in each] for name, each in facts.items()} == {
        "birth_date": ["2010-02-03"],
        "class": ["2B"],
        "grade": ["seconde"],
    }
    assert facts["class"][0].valid_from == OCTOBER
    earlier = at.replace(month=9, day=15)
    assert [fact.value for fact in facts_at(people, ZOE, earlier)["class"]] == ["2A"]


def test_a_day_begins_at_midnight_in_the_schemes_zone(record, people, at):
    record((ZOE, "class", "2A"), on=OCTOBER)
    midnight_in_paris = at.replace(month=9, day=30, hour=22, minute=0)
    assert "class" in facts_at(people, ZOE, midnight_in_paris)
    assert "class" not in facts_at(people, ZOE, midnight_in_paris - timedelta(seconds=1))


def test_nothing_is_known_of_nobody(people, at):
    assert facts_at(people, UUID(int=99), at) == {}
    with pytest.raises(NotFound):
        display_name(people, UUID(int=99))


def test_the_published_function_gives_the_same_facts(record, people, at):
    record((ZOE, "grade", "seconde"), (ALI, "grade", "premiere"))
    rows = people.execute(text("SELECT * FROM cardsvc.facts_on('2026-11-24')")).all()
    assert sorted(map(tuple, rows)) == sorted(
        [
            (ZOE, "grade", "seconde"),
            (ALI, "grade", "premiere"),
            (ZOE, "birth_date", "2010-02-03"),
            (ALI, "birth_date", "2010-02-03"),
        ]
    )


def test_a_person_is_shown_by_given_name_and_an_initial(people):
    assert display_name(people, ZOE) == "Zoé E."
    assert display_name(people, ALI) == "Ali-Réda D."


def test_the_standing_is_the_status_and_the_school_year(record, people, at):
    app = Flask("test")
    speak(app, lambda: "fr")
    with app.app_context():
        assert standing(people, ZOE, at) == ""
        record((ZOE, "status", "lyceen"), (ZOE, "school_year", "2026"))
        record((ZOE, "status", "apprentice"), source="cfa:1")
        parts = standing(people, ZOE, at).split(" · ")
        assert sorted(parts[:2]) == ["Apprenti·e", "Lycéen·ne"]
        assert parts[2:] == ["2026-2027"]


@pytest.mark.parametrize(
    ("column", "value"),
    [("name", "'Not a name'"), ("valid_until", "valid_from - 1")],
)
def test_the_database_refuses_a_malformed_fact(record, people, column, value):
    record((ZOE, "grade", "seconde"))
    cursor = people.connection().connection.cursor()
    with pytest.raises(psycopg.errors.CheckViolation):
        cursor.execute(f"UPDATE cardsvc.fact SET {column} = {value}")


def test_the_database_refuses_the_same_open_fact_twice(record, people):
    record((ZOE, "grade", "seconde"))
    cursor = people.connection().connection.cursor()
    with pytest.raises(psycopg.errors.UniqueViolation):
        cursor.execute(
            "INSERT INTO cardsvc.fact SELECT gen_random_uuid(), beneficiary_id, name, value, 'x:1', "
            "valid_from, valid_until, recorded_at FROM cardsvc.fact"
        )
