"""The console's first page: what waits first, then how things stand."""

from datetime import UTC, datetime

import pytest


@pytest.fixture
def officer(client, add_person):
    add_person("officer")
    client.sign_in("officer")
    return client


def test_the_first_line_counts_what_waits(officer):
    page = officer.read("/console")
    assert page.xpath("string(//h1)") == "Mardi 24 novembre\u00a0: 3 choses vous attendent"
    assert len(page.xpath("//div[@class='todo']/a")) == 3
    assert [each.text for each in page.xpath("//h2")] == ["Enveloppes", "Achats, 14 jours"]


def test_one_thing_is_one_thing(officer, panels):
    del panels.todo[1:]
    title = officer.read("/console").xpath("string(//h1)")
    assert title == "Mardi 24 novembre\u00a0: 1 chose vous attend"


def test_nothing_waiting_is_said_and_explained(officer, panels):
    panels.todo.clear()
    panels.standing.clear()
    page = officer.read("/console")
    assert page.xpath("string(//h1)") == "Mardi 24 novembre\u00a0: rien ne vous attend"
    assert page.xpath("//div[@class='todo']") == []
    assert "Pas encore de chiffres" in page.text_content()


def test_the_day_is_the_regions_and_not_greenwichs(officer, clock):
    clock.at = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    officer.sign_in("officer")
    assert officer.read("/console").xpath("string(//h1)").startswith("Mercredi 25 novembre")


def test_it_reads_in_english_too(officer):
    officer.submit("/console", "/language", locale="en")
    title = officer.read("/console").xpath("string(//h1)")
    assert title == "Tuesday, 24 November: 3 things are waiting for you"


@pytest.mark.parametrize("role", ["beneficiary", "school", "merchant"])
def test_nobody_else_sees_it(client, add_person, role):
    add_person(role)
    client.sign_in(role)
    assert client.get("/console").status_code == 403
