"""Publishing: the version, the grants, the money; once, whoever asks again or at the same time."""

import threading
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from cardsvc.programmes import publishing
from cardsvc.programmes.publishing import publish
from cardsvc.programmes.reasons import (
    EnvelopeInsufficient,
    EnvelopeMissing,
    EnvelopeRegimeDiffers,
    FunderUnknown,
    SeasonOver,
)
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import OWNER_ROLE
from sesame.platform.ids import uuid7


@pytest.fixture
def publish_now(database, at):
    """Return a function that publishes in a unit of work of its own."""

    def run(programme, by=None, when=at):
        with unit_of_work(database) as session:
            return publish(session, programme, by=by, at=when)

    return run


@pytest.fixture
def ready(region):
    """A Region with 1,000.00 € set aside, three who are eligible and two who aren't."""
    region.funder()
    region.fund(100_000)
    region.people(3, status="lyceen", grade="premiere")
    region.person(status="lyceen", grade="terminale")
    region.person(status="apprentice", grade="premiere")
    return region


def counts(region):
    return tuple(
        region.one(f"SELECT count(*) FROM {table}")
        for table in (
            "cardsvc.programme_version",
            "cardsvc.programme_publication",
            "cardsvc.grant_batch",
            "cardsvc.entitlement",
            "ledger.share_plan",
            "ledger.transfer WHERE kind = 'grant'",
        )
    )


def test_everyone_eligible_gets_the_line_and_the_envelope_gives_it(ready, rules, publish_now):
    officer = uuid7()
    done = publish_now(rules(), by=officer)
    assert (done.number, done.unchanged) == (1, False)
    assert [(each.line, each.people, each.total_cents) for each in done.grants] == [
        ("manuels", 3, 21_000)
    ]
    granted = ready.sql(
        "SELECT e.granted_cents, e.account_id, e.valid_from, e.valid_until, e.priority, e.season"
        " FROM cardsvc.entitlement e JOIN cardsvc.fact f USING (beneficiary_id)"
        " WHERE f.name = 'grade' AND f.value = 'premiere'"
    )
    assert len(granted) == 3
    for cents, account, begins, ends, priority, season in granted:
        assert (cents, ready.balance(account), priority, season) == (
            7000,
            7000,
            10_000,
            "2026-2027",
        )
        # Midnight in Paris, summer time on both days.
        assert begins == datetime(2026, 8, 31, 22, tzinfo=UTC)
        assert ends == datetime(2027, 5, 31, 22, tzinfo=UTC)
    assert ready.envelope_balance() == 79_000
    assert ready.sql("SELECT published_by FROM cardsvc.programme_publication") == [(officer,)]
    assert ready.sql("SELECT regime, paying FROM cardsvc.envelope") == [("mandate", True)]


def test_the_same_document_again_changes_nothing(ready, rules, publish_now):
    publish_now(rules())
    before = counts(ready)
    again = publish_now(rules())
    assert (again.number, again.unchanged, again.grants) == (1, True, ())
    assert counts(ready) == before


def test_the_same_document_again_grants_to_those_who_came_since_under_the_same_version(
    ready, rules, publish_now
):
    publish_now(rules())
    ready.person(status="lyceen", grade="premiere")
    again = publish_now(rules())
    assert (again.number, again.unchanged) == (1, True)
    assert [(each.people, each.total_cents) for each in again.grants] == [(1, 7_000)]
    assert ready.one("SELECT count(*) FROM cardsvc.entitlement") == 4
    assert publish_now(rules()).grants == ()


def test_the_same_document_again_says_when_the_money_is_short(ready, rules, publish_now):
    publish_now(rules())
    ready.people(12, status="lyceen", grade="premiere")
    before = counts(ready)
    with pytest.raises(EnvelopeInsufficient) as refused:
        publish_now(rules())
    assert refused.value.code == "envelope_insufficient"
    assert counts(ready) == before


def test_the_same_document_again_after_its_season_grants_nothing(ready, rules, publish_now, at):
    publish_now(rules())
    ready.person(status="lyceen", grade="premiere")
    again = publish_now(rules(), when=at.replace(year=2027))
    assert (again.unchanged, again.grants) == (True, ())


def test_a_new_version_grants_only_to_those_who_have_nothing_yet(ready, rules, publish_now):
    publish_now(rules())
    wider = {"status": "lyceen"}
    done = publish_now(rules(eligibility=wider))
    assert done.number == 2
    assert [each.people for each in done.grants] == [1]
    versions = ready.sql(
        "SELECT v.number, count(*) FROM cardsvc.entitlement e"
        " JOIN cardsvc.programme_version v ON v.id = e.programme_version_id"
        " GROUP BY v.number ORDER BY v.number"
    )
    assert versions == [(1, 3), (2, 1)]


def test_a_next_season_of_the_same_programme_grants_anew(ready, rules, publish_now):
    publish_now(rules())
    season = {"name": "2027-2028", "from": "2027-09-01", "until": "2028-05-31"}
    done = publish_now(rules(season=season))
    assert [each.people for each in done.grants] == [3]
    assert ready.one("SELECT count(DISTINCT season) FROM cardsvc.entitlement") == 2


def test_a_line_with_a_condition_of_its_own_goes_to_those_alone(ready, rules, publish_now, content):
    more = {**content["lines"][0], "id": "plus", "eligibility": {"grade": "terminale"}}
    done = publish_now(rules(eligibility={"status": "lyceen"}, lines=[*content["lines"], more]))
    assert [(each.line, each.people) for each in done.grants] == [("manuels", 4), ("plus", 1)]


def test_funders_bear_their_shares_to_the_cent(region, rules, publish_now, content):
    region.funder()
    region.funder({**_DEPARTMENT})
    region.fund(100_000)
    region.fund(100_000, "departement")
    region.people(3, status="lyceen", grade="premiere")
    content["lines"][0]["amount"] = "0.01"
    shares = [{"funder": "region", "share": "60"}, {"funder": "departement", "share": "40"}]
    publish_now(rules(funders=shares, lines=content["lines"]))
    spent = (100_000 - region.envelope_balance(), 100_000 - region.envelope_balance("departement"))
    assert spent == (3, 0)
    paying = region.sql(
        "SELECT DISTINCT f.code FROM cardsvc.entitlement e"
        " JOIN cardsvc.envelope v ON v.id = e.paying_envelope_id"
        " JOIN cardsvc.funder f ON f.id = v.funder_id"
    )
    assert paying == [("region",)]


def test_an_envelope_that_holds_less_refuses_everything_with_the_figures(
    region, rules, publish_now
):
    region.funder()
    region.fund(20_999)
    region.people(3, status="lyceen", grade="premiere")
    before = counts(region)
    with pytest.raises(EnvelopeInsufficient) as refused:
        publish_now(rules())
    assert refused.value.code == "envelope_insufficient"
    assert refused.value.figures["needed_cents"] == 21_000
    assert refused.value.figures["available_cents"] == 20_999
    assert counts(region) == before
    assert region.sql("SELECT regime, paying FROM cardsvc.envelope") == [(None, False)]


def test_an_envelope_emptied_to_the_last_cent_is_enough(region, rules, publish_now):
    region.funder()
    region.fund(21_000)
    region.people(3, status="lyceen", grade="premiere")
    publish_now(rules())
    assert region.envelope_balance() == 0


def test_a_funder_that_nobody_knows_is_refused(ready, rules, publish_now):
    shares = [{"funder": "regoin", "share": "100"}]
    with pytest.raises(FunderUnknown):
        publish_now(rules(funders=shares, paying_body="regoin"))
    assert counts(ready) == (0, 0, 0, 0, 0, 0)


def test_a_funder_without_an_envelope_for_this_programme_is_refused(ready, rules, publish_now):
    with pytest.raises(EnvelopeMissing):
        publish_now(rules(programme="autre"))
    assert ready.one("SELECT count(*) FROM cardsvc.programme WHERE slug = 'autre'") == 0


def test_an_envelope_keeps_the_regime_it_was_opened_under(ready, rules, publish_now):
    publish_now(rules())
    with pytest.raises(EnvelopeRegimeDiffers):
        publish_now(rules(regime="regie"))


def test_a_season_that_is_over_grants_nothing(ready, rules, publish_now, at):
    with pytest.raises(SeasonOver):
        publish_now(rules(), when=datetime(2027, 5, 31, 22, 0, tzinfo=UTC))
    publish_now(rules(), when=datetime(2027, 5, 31, 21, 59, tzinfo=UTC))


def publish_two_at_once(region, database, programmes, at):
    """Publish twice; the first commits only once the second waits for a lock of the database.

    Returns what each got: a Publication, or the exception.
    """
    first_has_granted, second_waits = threading.Event(), threading.Event()
    got = {}

    def attempt(name, wait_before=None, wait_inside=None):
        if wait_before is not None:
            assert wait_before.wait(30)
        try:
            with unit_of_work(database) as session:
                got[name] = publish(session, programmes[name], by=None, at=at)
                first_has_granted.set()
                if wait_inside is not None:
                    assert wait_inside.wait(30)
        except SQLAlchemyError as error:
            got[name] = error

    one = threading.Thread(target=attempt, args=("first", None, second_waits))
    two = threading.Thread(target=attempt, args=("second", first_has_granted))
    for thread in (one, two):
        thread.start()
    assert first_has_granted.wait(30)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(region.url, autocommit=True) as connection:
        while connection.execute(waiting).fetchone() == (0,):
            assert two.is_alive()
    second_waits.set()
    for thread in (one, two):
        thread.join(60)
    return got["first"], got["second"]


def test_two_publications_at_once_grant_once(ready, rules, database, at):
    both = {"first": rules(), "second": rules()}
    first, second = publish_two_at_once(ready, database, both, at)
    assert (first.unchanged, second.unchanged) == (False, True)
    assert counts(ready)[:4] == (1, 1, 1, 3)


def test_two_versions_at_once_become_two_and_grant_once(ready, rules, database, at):
    both = {"first": rules(), "second": rules(priority=200)}
    first, second = publish_two_at_once(ready, database, both, at)
    assert (first.number, second.number, second.grants) == (1, 2, ())
    assert counts(ready)[:4] == (2, 2, 1, 3)


def test_without_the_lock_the_second_would_grant_too_and_the_database_refuses_it(
    ready, rules, publish_now, database, at, monkeypatch
):
    """The race itself: both read that nobody has anything. The unique keys are the last guard."""
    publish_now(rules(eligibility={"grade": "cap1"}))
    monkeypatch.setattr(publishing, "lock_programme", lambda session, programme_id: None)
    both = {"first": rules(), "second": rules(priority=200)}
    first, second = publish_two_at_once(ready, database, both, at)
    assert first.grants[0].people == 3
    assert isinstance(second, IntegrityError)
    assert counts(ready)[:4] == (2, 2, 1, 3)


def test_the_database_itself_refuses_a_second_grant(ready, rules, publish_now):
    publish_now(rules())
    with pytest.raises(psycopg.errors.UniqueViolation):
        ready.sql(
            "INSERT INTO cardsvc.entitlement SELECT gen_random_uuid(), beneficiary_id,"
            " programme_id, programme_version_id, grant_batch_id, season, line,"
            " (SELECT account_id FROM cardsvc.envelope), paying_envelope_id, priority, valid_from,"
            " valid_until, granted_cents, created_at FROM cardsvc.entitlement LIMIT 1"
        )


@pytest.mark.parametrize("table", ["programme_version", "programme_publication", "grant_batch"])
def test_what_was_published_never_changes(ready, rules, publish_now, test_database, table):
    publish_now(rules())
    with psycopg.connect(test_database.url(OWNER_ROLE)) as connection:
        with pytest.raises(psycopg.errors.DatabaseError) as refused:
            connection.execute(f"DELETE FROM cardsvc.{table}")
    assert refused.value.sqlstate == "SP001"


def test_an_entitlement_is_never_edited(ready, rules, publish_now, test_database):
    publish_now(rules())
    with psycopg.connect(test_database.url(OWNER_ROLE)) as connection:
        with pytest.raises(psycopg.errors.DatabaseError) as refused:
            connection.execute("UPDATE cardsvc.entitlement SET granted_cents = 1")
    assert refused.value.sqlstate == "SP001"


_DEPARTMENT = {
    "code": "departement",
    "name": "Département de l'Ambre",
    "siren": "552100554",
    "iban": "FR7610107001011234567890129",
    "bic": "BREDFRPPXXX",
}
