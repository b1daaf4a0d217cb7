"""The frame of a page: its menu, its notices, its way in for keyboards."""

import pytest


@pytest.fixture
def officer(client, add_person):
    add_person("officer")
    client.sign_in("officer")
    return client


def _current(page):
    return [
        (link.get("aria-current"), link.text_content().strip())
        for link in page.xpath("//nav//a[@aria-current]")
    ]


def test_a_menu_shows_what_the_role_may_open_and_where_one_is(officer):
    page = officer.read("/console/runs")
    labels = [each.text_content().strip() for each in page.xpath("//header//nav//a")]
    assert labels == ["Aujourd'hui", "Remboursements"]
    assert _current(page) == [("page", "Remboursements")]


def test_a_page_under_another_marks_the_one_above(officer):
    assert _current(officer.read("/console/runs/first")) == [("true", "Remboursements")]


def test_the_young_persons_tabs_mark_one_page_only(client, add_person):
    add_person("beneficiary")
    client.sign_in("beneficiary")
    assert _current(client.read("/wallet")) == [("page", "Ma carte")]
    assert _current(client.read("/wallet/purchases")) == [("page", "Mes achats")]


def test_a_notice_is_read_out_and_shown_once(officer):
    (area,) = officer.read("/console/runs").xpath("//*[@aria-live='polite']")
    assert "La campagne est approuvée." in area.text_content()
    assert officer.read("/console/runs/first").xpath("string(//*[@aria-live='polite'])") == ""


def test_no_page_has_a_style_attribute_or_an_inline_script(officer, client):
    for path in ("/", "/sign-in", "/console", "/console/runs", "/nowhere"):
        page = officer.read(path)
        assert page.xpath("//*[@style]") == [], path
        assert page.xpath("//style") == [], path
        assert page.xpath("//script[not(@src)]") == [], path


@pytest.mark.browser
def test_the_first_stop_of_the_keyboard_skips_to_the_content(look):
    page = look.page()
    page.goto("/till")
    page.keyboard.press("Tab")
    assert page.locator(":focus").text_content() == "Aller au contenu"
    page.keyboard.press("Enter")
    assert page.locator(":focus").get_attribute("id") == "main"


@pytest.mark.browser
def test_no_page_scrolls_sideways_at_320_pixels(look, add_person):
    for role, paths in {
        None: ["/", "/sign-in", "/nowhere"],
        "officer": ["/console", "/console/runs"],
        "beneficiary": ["/wallet"],
        "school": ["/school"],
    }.items():
        page = look.page(width=320)
        if role:
            add_person(role)
            page.goto("/sign-in")
            page.fill("#login", role)
            page.fill("#password", "une longue phrase que je retiens")
            page.click("main button")
            page.wait_for_url(lambda url: "sign-in" not in url)
        for path in paths:
            assert page.goto(path).status == (404 if path == "/nowhere" else 200)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


@pytest.mark.browser
def test_on_a_phone_the_row_of_the_menu_opens_on_the_page_where_one_is(look, add_person):
    add_person("officer")
    page = look.page(width=320)
    page.goto("/sign-in?next=/console/runs")
    page.fill("#login", "officer")
    page.fill("#password", "une longue phrase que je retiens")
    page.click("main button")
    page.wait_for_url("**/console/runs")
    page.wait_for_function("document.querySelector('.side nav').scrollLeft > 0")
    box = page.locator(".side nav a[aria-current]").bounding_box()
    assert box["x"] + box["width"] <= 320


@pytest.mark.browser
def test_what_can_be_pressed_is_large_enough_for_a_thumb(look):
    page = look.page(width=390)
    page.goto("/sign-in")
    for control in page.locator("button, input:not([type=hidden]), .mark").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 47.5
