"""What publishing would do, and why one person gets it or not."""

from datetime import date

import pytest

from cardsvc.programmes.dry_run import dry_run, explain_person
from cardsvc.programmes.eligibility import FactIs, NoneOf
from cardsvc.programmes.explaining import explain
from cardsvc.programmes.publishing import publish
from cardsvc.programmes.reasons import BeneficiaryUnknown, FunderUnknown
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

TODAY = date(2026, 11, 24)


@pytest.fixture
def populated(region):
    """Six lycéens in two départements; four are in the grades of the file."""
    region.funder()
    for grade, department in [
        ("seconde", "69"),
        ("premiere", "69"),
        ("premiere", "03"),
        ("terminale", "03"),
        ("terminale", "69"),
    ]:
        region.person(status="lyceen", grade=grade, department=department)
    region.person(status="lyceen", grade="premiere")
    return region


def sentences(answer):
    return list(answer.explanation.sentences())


def test_a_dry_run_says_how_many_and_how_much_by_grade_and_department(populated, rules, session):
    found = dry_run(session, rules(), TODAY)
    assert (found.people, found.total_cents) == (4, 28_000)
    assert [(each.line, each.people, each.already) for each in found.lines] == [("manuels", 4, 0)]
    assert [(each.value, each.people, each.total_cents) for each in found.by_grade] == [
        ("premiere", 3, 21_000),
        ("seconde", 1, 7_000),
    ]
    assert {(each.value, each.people) for each in found.by_department} == {
        ("03", 1),
        ("69", 2),
        ("", 1),
    }


def test_a_dry_run_compares_with_the_envelopes(populated, rules, session):
    [need] = dry_run(session, rules(), TODAY).envelopes
    assert (need.funder, need.needed_cents, need.available_cents) == ("region", 28_000, None)
    populated.fund(5_000)
    [need] = dry_run(session, rules(), TODAY).envelopes
    assert need.available_cents == 5_000


def test_a_dry_run_changes_nothing_and_counts_what_is_already_granted(
    populated, rules, session, database, at
):
    populated.fund(100_000)
    dry_run(session, rules(), TODAY)
    assert populated.one("SELECT count(*) FROM cardsvc.programme_version") == 0
    with unit_of_work(database) as publishing:
        publish(publishing, rules(), by=None, at=at)
    populated.person(status="lyceen", grade="seconde")
    found = dry_run(session, rules(), TODAY)
    [line] = found.lines
    assert (line.people, line.already, line.to_grant, line.total_cents) == (5, 4, 1, 7_000)
    assert found.total_cents == 7_000


def test_a_dry_run_for_an_unknown_funder_says_so(populated, rules, session):
    with pytest.raises(FunderUnknown):
        dry_run(
            session,
            rules(funders=[{"funder": "ville", "share": "100"}], paying_body="ville"),
            TODAY,
        )


def test_someone_who_is_too_far_on_is_told_what_the_programme_is_for(region, rules, session):
    person = region.person(status="lyceen", grade="terminale")
    [answer] = explain_person(session, rules(), person, TODAY)
    assert not answer.ok
    assert sentences(answer) == [
        (0, "non : il faut tout ceci"),
        (1, "oui : tu es lycéen·ne ; ce dispositif est pour lycéen·ne"),
        (1, "non : tu es en terminale ; ce dispositif est pour seconde et première"),
    ]


def test_someone_eligible_is_told_why_too(region, rules, session):
    person = region.person(status="lyceen", grade="seconde")
    [answer] = explain_person(session, rules(), person, TODAY)
    assert answer.ok
    assert sentences(answer)[0] == (0, "oui : tout ceci est rempli")


def test_every_kind_of_condition_has_its_words(region, rules, session):
    person = region.person(
        "2008-05-04",
        status=["lyceen"],
        school="0690026D",
        department="03",
        mef="24730003320",
        **{"class": "1G1"},
    )
    asked = {
        "any": [
            {"school": "0031234X"},
            {"not": {"department": ["03", "2A"]}},
            {"mef": "200"},
            {"class": "1G2"},
            {"grade": "premiere"},
            {"age": {"at": "2026-09-01", "min": "15", "max": "17"}},
            {"age": {"at": "2026-09-01", "min": "17", "max": "17"}},
            {"age": {"at": "2026-09-01", "max": "17"}},
            {"age": {"at": "2026-09-01", "min": "19"}},
        ]
    }
    [answer] = explain_person(session, rules(eligibility=asked), person, TODAY)
    have = "tu as 18 ans au 1 septembre 2026 ; ce dispositif est pour"
    assert [sentence for _depth, sentence in sentences(answer)] == [
        "non : il faut au moins une de ces conditions",
        "non : ton établissement est 0690026D ; ce dispositif est pour 0031234X",
        "non : ton établissement est dans le département 03 ; "
        "ce dispositif n'est pas pour 03 et 2A",
        "non : ta formation a le code 24730003320 ; "
        "ce dispositif est pour les formations dont le code commence par 200",
        "non : ta classe est 1G1 ; ce dispositif est pour 1G2",
        "non : ta classe n'est pas connue ; ce dispositif est pour première",
        f"non : {have} 15 à 17 ans",
        f"non : {have} 17 ans",
        f"non : {have} 17 ans au plus",
        f"non : {have} 19 ans au moins",
    ]


def test_a_fact_without_words_of_its_own_is_never_named():
    told = explain(FactIs("disability", ("recognised",)), {"disability": ["recognised"]})
    assert told.ok
    assert told.sentence == "oui : une condition sur ton dossier est remplie"
    told = explain(NoneOf(FactIs("disability", None)), {"disability": ["recognised"]})
    assert not told.ok
    assert "disability" not in told.sentence
    assert "recognised" not in told.sentence


def test_a_fact_with_a_label_is_told_by_it():
    condition = FactIs("bursary", ("3",), labels={"fr": "être boursier", "en": "holding a bursary"})
    assert explain(condition, {}).sentence == "non : condition du dispositif : être boursier"


def test_nobody_by_that_id_is_said(rules, session):
    with pytest.raises(BeneficiaryUnknown):
        explain_person(session, rules(), uuid7(), TODAY)
