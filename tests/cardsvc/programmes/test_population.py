"""The same conditions in SQL for everyone and in Python for one: they must never differ."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from cardsvc.programmes.compiling import compile_document
from cardsvc.programmes.eligibility import AgeBetween, AnyOf, FactIs, NoneOf, age_on, holds
from cardsvc.programmes.population import population_query

TODAY = date(2026, 11, 24)

STATUSES = ("lyceen", "apprentice", "student", "jobseeker")
GRADES = ("seconde", "premiere", "terminale", "cap1", "cap2", "other")
SCHOOLS = ("0690026D", "0031234X")
BIRTHS = ("2008-02-29", "2009-03-01", "2010-02-28", "2010-11-24", "2010-11-25", "2003-12-31")

word_or_list = lambda words: st.one_of(  # noqa: E731
    st.sampled_from(words), st.lists(st.sampled_from(words), min_size=1, max_size=3)
)
ages = st.builds(
    lambda at, low, high: {
        "at": at,
        **({"min": str(min(low, high))} if low >= 0 else {}),
        **({"max": str(max(low, high))} if high >= 0 or low < 0 else {}),
    },
    st.sampled_from(("2026-11-24", "2027-02-28", "2028-02-29", "2027-03-01", "2009-01-01")),
    st.integers(-1, 25),
    st.integers(-1, 25).filter(lambda years: years != 0),
).filter(lambda age: "-1" not in age.values())
simple = st.one_of(
    st.builds(lambda each: {"status": each}, word_or_list(STATUSES)),
    st.builds(lambda each: {"grade": each}, word_or_list(GRADES)),
    st.builds(lambda each: {"school": each}, word_or_list(SCHOOLS)),
    st.builds(lambda each: {"department": each}, word_or_list(("03", "2A", "69"))),
    st.builds(lambda each: {"class": each}, word_or_list(("1G1", "TG%", "_"))),
    st.builds(lambda each: {"mef": each}, word_or_list(("2", "247", "20010018110", "9"))),
    st.builds(lambda each: {"age": each}, ages),
    st.builds(
        lambda name, values: {"fact": {"name": name, **({"is": values} if values else {})}},
        st.sampled_from(("bursary", "first_year", "grade")),
        st.one_of(st.none(), word_or_list(("3", "4", "yes", "premiere"))),
    ),
)
conditions = st.recursive(
    simple,
    lambda parts: st.one_of(
        st.builds(lambda each: {"all": each}, st.lists(parts, min_size=1, max_size=3)),
        st.builds(lambda each: {"any": each}, st.lists(parts, min_size=1, max_size=3)),
        st.builds(lambda each: {"not": each}, parts),
    ),
    max_leaves=6,
)


@pytest.fixture
def known(region):
    """Some sixty people of every kind; and what is known of them, read by plain SQL."""
    for index in range(60):
        facts = {
            "status": [STATUSES[index % 4], STATUSES[index % 3]][: 1 + (index % 5 == 0)],
            "grade": GRADES[index % 6],
            "school": SCHOOLS[index % 2],
            "department": ("69", "03", "2A")[index % 3],
            "class": ("1G1", "TG%", "TGX", "_", "a")[index % 5],
            "mef": ("20010018110", "24730003320", "21131016110")[index % 3],
            "bursary": ("3", "4", "7")[index % 3],
            "first_year": "yes",
        }
        kept = {name: facts[name] for n, name in enumerate(facts) if (index >> (n % 6)) % 4 != 3}
        kept["status"] = list(dict.fromkeys(facts["status"]))
        if index % 11 == 0:
            kept = {}
        region.person(BIRTHS[index % 6], **kept)
    people = {}
    for person, born in region.sql("SELECT id, birth_date FROM cardsvc.beneficiary"):
        people[person] = {"birth_date": [born.isoformat()]}
    for person, name, value in region.sql("SELECT beneficiary_id, name, value FROM cardsvc.fact"):
        people[person].setdefault(name, []).append(value)
    return people


def test_the_population_and_each_person_get_the_same_answer(session, known, content):
    reached = set()

    @settings(
        max_examples=250,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.lists(conditions, min_size=1, max_size=3))
    def same(written):
        compiled = [
            compile_document({**content, "eligibility": each}, "").eligibility for each in written
        ]
        query = population_query(compiled, TODAY)
        columns = ", ".join(f"l{index}" for index in range(len(compiled)))
        rows = session.execute(
            text(f"WITH {query.with_list} SELECT beneficiary_id, {columns} FROM judged"),
            query.parameters,
        ).all()
        assert {person for person, *_ in rows} == set(known)
        for person, *answers in rows:
            assert answers == [holds(each, known[person]) for each in compiled]
            reached.update(answers)

    same()
    assert reached == {True, False}


def test_a_fact_that_has_ended_or_not_begun_does_not_count(session, region):
    person = region.person(status="lyceen")
    query = population_query([FactIs("status", ("lyceen",))], date(2026, 8, 31))
    asked = text(f"WITH {query.with_list} SELECT beneficiary_id, l0 FROM judged")
    assert session.execute(asked, query.parameters).all() == [(person, False)]


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        ("2008-02-29", date(2026, 2, 28), 17),
        ("2008-02-29", date(2026, 3, 1), 18),
        ("2009-11-24", date(2026, 11, 23), 16),
        ("2009-11-24", date(2026, 11, 24), 17),
    ],
)
def test_age_is_whole_years_on_the_day(born, day, age):
    facts = {"birth_date": [born]}
    assert age_on(day, facts) == age
    assert holds(AgeBetween(day, age, age), facts)
    assert not holds(AnyOf((AgeBetween(day, age + 1, None), AgeBetween(day, None, age - 1))), facts)


def test_nobody_without_a_birth_date_has_an_age():
    assert not holds(AgeBetween(TODAY, 0, None), {})
    assert holds(NoneOf(AgeBetween(TODAY, 0, None)), {})
