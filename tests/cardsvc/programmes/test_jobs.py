"""People who come onto a roll later get what the others have, by themselves."""

from datetime import timedelta

import pytest

from cardsvc.programmes import jobs
from cardsvc.programmes.envelopes import fund_envelope
from cardsvc.programmes.hooks import register
from cardsvc.programmes.jobs import grant_after_roll
from cardsvc.programmes.publishing import publish
from cardsvc.schools.events import RollImported, announce
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7
from sesame.platform.jobs import enqueue_once, run_job
from sesame.platform.web import Registry


@pytest.fixture
def published(region, rules, database, at):
    """A programme with one person in it."""
    region.funder()
    region.fund(100_000)
    region.person(status="lyceen", grade="premiere")
    with unit_of_work(database) as session:
        publish(session, rules(), by=None, at=at)
    return region


@pytest.fixture
def work(region, database, clock):
    """Return a function that runs every waiting job, those that they enqueue included."""

    def run():
        while waiting := region.sql("SELECT id FROM platform.job WHERE state = 'waiting'"):
            for (job_id,) in waiting:
                assert run_job(database, clock, job_id)

    return run


def roll_imported(database, at):
    with unit_of_work(database) as session:
        grant_after_roll(session, at)


def granted(region):
    return region.one("SELECT count(*) FROM cardsvc.entitlement")


def test_a_newcomer_is_granted_after_the_roll(published, database, at, work):
    published.person(status="lyceen", grade="seconde")
    roll_imported(database, at)
    work()
    assert granted(published) == 2
    assert published.envelope_balance() == 86_000


def test_an_imported_roll_is_heard_of(region, database, at):
    register(Registry())
    with unit_of_work(database) as session:
        announce(session, RollImported(roll_id=uuid7(at), school_id=uuid7(at), at=at))
    assert region.sql("SELECT name, arguments FROM platform.job") == [("programmes.grant_new", {})]


def test_granting_again_grants_nothing_more(published, database, at, work):
    for _ in range(2):
        roll_imported(database, at)
    work()
    assert granted(published) == 1


def test_only_the_latest_version_of_a_season_grants(published, rules, database, at, work):
    with unit_of_work(database) as session:
        publish(session, rules(eligibility={"grade": "terminale"}), by=None, at=at)
    published.person(status="lyceen", grade="seconde")
    published.person(status="lyceen", grade="terminale")
    roll_imported(database, at)
    work()
    versions = published.sql(
        "SELECT v.number, count(*) FROM cardsvc.entitlement e"
        " JOIN cardsvc.programme_version v ON v.id = e.programme_version_id GROUP BY 1 ORDER BY 1"
    )
    assert versions == [(1, 1), (2, 1)]


def test_a_season_that_is_over_grants_nothing(published, database, clock, at, work):
    clock.at = clock.at.replace(year=2027)
    published.person(status="lyceen", grade="seconde")
    roll_imported(database, clock.now())
    work()
    assert granted(published) == 1


def test_a_programme_without_money_waits_without_stopping_the_others(
    published, rules, database, at, clock
):
    published.fund(7_000, programme="autre")
    with unit_of_work(database) as session:
        publish(session, rules(programme="autre"), by=None, at=at)
    published.person(status="lyceen", grade="seconde")
    roll_imported(database, at)
    [(job_id,)] = published.sql("SELECT id FROM platform.job")
    assert run_job(database, clock, job_id)
    ran = [
        run_job(database, clock, each)
        for (each,) in published.sql("SELECT id FROM platform.job WHERE state = 'waiting'")
    ]
    assert ran == [True, True]
    assert published.sql("SELECT error_code FROM platform.job WHERE error_code IS NOT NULL") == []
    assert granted(published) == 3
    assert short(published) == [("autre", 1)]


def test_money_that_comes_later_is_granted_by_itself(published, rules, database, at, work):
    published.fund(7_000, programme="autre")
    with unit_of_work(database) as session:
        publish(session, rules(programme="autre"), by=None, at=at)
    published.people(2, status="lyceen", grade="seconde")
    roll_imported(database, at)
    work()
    assert short(published) == [("autre", 2)]
    published.fund(13_999, programme="autre")
    work()
    assert (granted(published), short(published)) == (4, [("autre", 2)])
    published.fund(1, programme="autre")
    work()
    assert (granted(published), short(published)) == (6, [])


def test_the_same_funding_sent_again_asks_for_nothing(published, database, at, work):
    work()
    for asked in (1, 0):
        with unit_of_work(database) as session:
            fund_envelope(
                session,
                funder="region",
                programme="manuels-ambre",
                amount_cents=1,
                key="budget-0001-b",
                at=at,
            )
        jobs = published.one("SELECT count(*) FROM platform.job WHERE state = 'waiting'")
        assert jobs == asked
        work()


def test_sixty_rolls_ask_for_one_look_at_the_population(published, database, at, work):
    work()
    for _ in range(60):
        roll_imported(database, at)
    assert published.one("SELECT count(*) FROM platform.job WHERE state = 'waiting'") == 1


def short(region):
    return region.sql(
        "SELECT p.slug, s.people FROM cardsvc.grant_shortage s"
        " JOIN cardsvc.programme_version v ON v.id = s.programme_version_id"
        " JOIN cardsvc.programme p ON p.id = v.programme_id"
    )


def test_what_is_left_at_the_end_of_the_season_goes_back_to_the_envelope(
    published, database, at, clock, work, monkeypatch
):
    monkeypatch.setattr(jobs, "CHUNK", 2)
    published.people(4, status="lyceen", grade="seconde")
    roll_imported(database, at)
    work()
    assert published.envelope_balance() == 65_000
    last_moment = published.one("SELECT max(valid_until) FROM cardsvc.entitlement")

    def season_ends(when):
        clock.advance(when - clock.now())
        with unit_of_work(database) as session:
            enqueue_once(session, "programmes.expire", at=when)
        work()

    season_ends(last_moment - timedelta(seconds=1))
    assert published.envelope_balance() == 65_000
    season_ends(last_moment)
    assert published.envelope_balance() == 100_000
    kinds = "SELECT kind, count(*) FROM ledger.transfer GROUP BY kind ORDER BY kind"
    moved = published.sql(kinds)
    assert moved == [("expiry", 5), ("fund", 1), ("grant", 5)]
    season_ends(last_moment + timedelta(days=1))
    assert published.sql(kinds) == moved
