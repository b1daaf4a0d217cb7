"""What the browser till shows when it may not sell."""

import json
from uuid import UUID

import psycopg
import pytest
from playwright.sync_api import expect

from merchants.terminals.states import change_state
from sesame.platform.database import unit_of_work

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("state", "title", "code"),
    [
        ("draft", "Convention à signer", "convention_unsigned"),
        ("suspended", "Convention suspendue", "convention_suspended"),
        ("none", "Pas de convention", "convention_missing"),
    ],
)
def test_without_a_convention_the_till_says_what_is_missing(
    open_till, add_shop, state, title, code
):
    page = open_till(add_shop(convention=state))
    expect(page.locator("#blocked-title")).to_have_text(title)
    expect(page.locator("#blocked-code")).to_have_text(code)
    expect(page.locator("#counter")).to_be_hidden()


def test_a_suspended_till_says_so_and_opens_again_when_resumed(
    open_till, database, test_database, at
):
    page = open_till()
    expect(page.locator("#counter")).to_be_visible()
    terminal_id = json.loads(
        page.evaluate(
            """() => new Promise((resolve) => {
                const request = indexedDB.open("sesame-till");
                request.onsuccess = () => {
                    const kept = request.result.transaction("kept").objectStore("kept");
                    const got = kept.get("till");
                    got.onsuccess = () => resolve(JSON.stringify(got.result.id));
                };
            })"""
        )
    )
    for state, title in (("suspended", "Caisse suspendue"), ("active", None), ("revoked", "")):
        with unit_of_work(database) as session:
            change_state(session, UUID(terminal_id), state, reason="", at=at)
        page.reload()
        if title:
            expect(page.locator("#blocked-title")).to_have_text(title)
        elif title is None:
            expect(page.locator("#counter")).to_be_visible()
    expect(page.locator("#blocked-title")).to_have_text("Caisse retirée")
    page.locator("#blocked-enrol").click()
    expect(page.locator("#code")).to_be_focused()


def test_a_till_that_is_no_longer_known_is_activated_again(
    open_till, test_database, purchases, code_for, shop
):
    page = open_till()
    expect(page.locator("#counter")).to_be_visible()
    with psycopg.connect(test_database.url("postgres")) as connection:
        connection.execute("SET session_replication_role = replica")
        for table in ("terminal_transition", "terminal_code", "terminal"):
            connection.execute(f"DELETE FROM merchants.{table}")
    page.reload()
    expect(page.locator("#enrol-why")).to_contain_text("n'est plus connue")
    page.locator("#code").fill(code_for(shop))
    page.locator("#enrol-go").click()
    expect(page.locator("#counter")).to_be_visible()
