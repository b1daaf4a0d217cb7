"""Spending plans of published versions."""

import pytest
from sqlalchemy import event

from cardsvc.programmes.plans import plan_for, plans_for
from cardsvc.programmes.publishing import publish
from cardsvc.programmes.reasons import ProgrammeUnknown
from sesame.platform.ids import uuid7


def test_a_plan_says_how_each_line_is_spent(region, rules, session, at, content):
    region.funder()
    region.fund(100)
    content["lines"][0] |= {
        "categories": ["books", "comics"],
        "caps": {
            "per_purchase": "10.00",
            "per_day": "20.00",
            "unit_price": "5.50",
            "per_category": {"comics": {"per_season": "30.00"}},
        },
    }
    version = publish(session, rules(lines=content["lines"]), by=None, at=at).version_id
    line = plan_for(session, version).lines["manuels"]
    assert (line.per_purchase_cents, line.per_day_cents, line.unit_price_cents) == (1000, 2000, 550)
    assert line.day_key == "manuels-ambre/2026-2027/manuels/per_day"
    assert line.categories["books"] is None
    comics = line.categories["comics"]
    assert (comics.per_purchase_cents, comics.per_day_cents, comics.per_season_cents) == (
        None,
        None,
        3000,
    )
    assert comics.season_key == "manuels-ambre/2026-2027/manuels/comics/per_season"


def test_a_plan_is_read_from_the_database_once(region, rules, session, database, at):
    region.funder()
    region.fund(100)
    version = publish(session, rules(), by=None, at=at).version_id
    statements = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    first = plans_for(session, [version])[version]
    assert plans_for(session, {version})[version] is first
    assert len(statements) == 1


def test_a_version_that_does_not_exist_has_no_plan(session):
    with pytest.raises(ProgrammeUnknown):
        plan_for(session, uuid7())
