"""The officer's list of partners, and the code that is shown once."""

import re

import pytest
from lxml import html

from merchants.terminals.enrol import enrol_terminal
from sesame.platform.database import unit_of_work

PAGE = "/console/partners"


@pytest.fixture
def client(make_app):
    return make_app().test_client()


@pytest.fixture
def officer(client, add_staff):
    client.get(f"/test-sign-in/{add_staff('officer')}")
    return client


def _page(answer):
    assert answer.status_code == 200
    return html.fromstring(answer.get_data(as_text=True))


def _make_code(client, page, site_id):
    token = page.xpath("//input[@name='csrf_token']/@value")[0]
    return client.post(f"{PAGE}/till-codes", data={"csrf_token": token, "site_id": site_id})


def test_each_place_is_listed_with_its_convention_and_tills(officer, shop, add_terminal, add_shop):
    add_terminal(shop)
    add_terminal(shop)
    add_shop("Cinéma Le Zootrope", convention="draft", categories=("cinema",))
    rows = _page(officer.get(PAGE)).xpath("//tbody/tr")
    words = [" ".join(row.text_content().split()) for row in rows]
    assert len(words) == 2
    assert "Cinéma Le Zootrope" in words[0]
    assert "À signer" in words[0]
    assert "Aucune" in words[0]
    assert "Active" in words[1]
    assert "Caisse 1 Caisse 2" in words[1]
    assert "Livres, BD, manga, Manuels" in words[1]


def test_an_empty_list_says_how_to_begin(officer):
    page = _page(officer.get(PAGE))
    assert page.xpath("//table") == []
    assert "sesame merchant import" in page.text_content()


def test_a_long_list_comes_in_pages(officer, add_shop):
    for number in range(51):
        add_shop(f"Librairie {number:02d}")
    first, second = _page(officer.get(PAGE)), _page(officer.get(f"{PAGE}?page=2"))
    assert (len(first.xpath("//tbody/tr")), len(second.xpath("//tbody/tr"))) == (50, 1)
    assert "Librairie 50" in second.xpath("//tbody/tr")[0].text_content()
    for odd in ("0", "-3", "99", "x", str(10**20)):
        assert officer.get(f"{PAGE}?page={odd}").status_code == 200


def test_the_button_s_code_enrols_a_till(officer, shop, database, settings, new_key, at):
    answer = _make_code(officer, _page(officer.get(PAGE)), str(shop.site_id))
    shown = _page(answer).xpath("//p[contains(@class, 'code-shown')]")[0].text_content()
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}", shown)
    with unit_of_work(database) as session:
        enrolled = enrol_terminal(
            session, settings, code=shown, public_key=new_key().jwk, kind="till", at=at
        )
    assert enrolled.site_name == "Librairie des Trois Ponts"
    assert shown not in officer.get(PAGE).get_data(as_text=True)


@pytest.mark.parametrize("site_id", ["", "x", "0198c0de-0000-7000-8000-000000000000"])
def test_a_code_for_no_site_is_refused(officer, shop, site_id):
    answer = _make_code(officer, _page(officer.get(PAGE)), site_id)
    assert answer.status_code == 404


def test_a_code_needs_the_form_s_token(officer, shop):
    answer = officer.post(f"{PAGE}/till-codes", data={"site_id": str(shop.site_id)})
    assert answer.status_code == 400


@pytest.mark.parametrize("role", ["accountant", "auditor"])
def test_who_only_reads_sees_no_button_and_may_not_make_a_code(client, add_staff, shop, role):
    client.get(f"/test-sign-in/{add_staff(role)}")
    page = _page(client.get(PAGE))
    assert page.xpath("//form[contains(@action, 'till-codes')]") == []
    assert _make_code(client, page, str(shop.site_id)).status_code == 403


@pytest.mark.parametrize("role", ["school", "merchant", "beneficiary"])
def test_others_do_not_see_the_list(client, add_staff, role):
    client.get(f"/test-sign-in/{add_staff(role)}")
    assert client.get(PAGE).status_code == 403
