"""Signing in and out, and what guessing comes up against."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from sesame.platform.identity.attempts import note_failure
from sesame.platform.identity.pages import (
    TRIES_FOR_A_LOGIN,
    TRIES_FOR_A_LOGIN_FROM_A_NETWORK,
    TRIES_FROM_A_NETWORK,
    network_of,
)

FIRST_PAGES = {
    "officer": "/console",
    "accountant": "/console",
    "auditor": "/console",
    "school": "/school",
    "merchant": "/till",
    "beneficiary": "/wallet",
}


@pytest.mark.parametrize(("role", "first_page"), FIRST_PAGES.items())
def test_each_role_lands_on_its_first_page(client, add_person, role, first_page):
    add_person(role)
    answer = client.sign_in(role)
    assert (answer.status_code, answer.location) == (303, first_page)
    assert client.get(first_page).status_code == 200


def test_a_page_that_needs_signing_in_leads_there_and_back(client, add_person):
    add_person("officer")
    asked = client.get("/console/runs?query=Durand")
    assert (asked.status_code, asked.location) == (303, "/sign-in?next=/console/runs")
    assert client.sign_in("officer", at=asked.location).location == "/console/runs"


def test_a_young_persons_page_leads_to_the_code_instead(client):
    assert client.get("/wallet").location == "/enrol"


def test_the_api_says_so_instead_of_leading_anywhere(app, client):
    from sesame.platform.identity import requires

    @app.get("/api/v1/secret")
    @requires("officer")
    def secret() -> str:
        return "secret"

    answer = client.get("/api/v1/secret")
    assert (answer.status_code, answer.json["code"]) == (401, "not_signed_in")


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("officer", "wrong"),
        ("nobody", "une longue phrase que je retiens"),
        ("", ""),
        ("offi\x00cer", "x"),
        ("officer", "x" * 300),
        ("x" * 300, "x"),
        ("officer' OR 1=1 --", "x"),
    ],
)
def test_a_wrong_login_or_password_is_one_and_the_same_answer(
    client, add_person, database, login, password
):
    add_person("officer")
    answer = client.sign_in(login, password)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 401
    assert "Identifiant ou mot de passe incorrect." in page
    assert password == "" or f'value="{password}"' not in page
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM platform.session")) == 0


def test_a_login_is_closed_for_an_hour_to_the_network_that_guesses_even_at_the_right_password(
    client, add_person, clock
):
    add_person("officer")
    for _ in range(TRIES_FOR_A_LOGIN_FROM_A_NETWORK):
        assert client.sign_in("officer", "wrong").status_code == 401
    refused = client.sign_in("officer")
    assert refused.status_code == 429
    assert "Trop d'essais" in refused.get_data(as_text=True).replace("&#39;", "'")
    clock.advance(timedelta(minutes=61))
    assert client.sign_in("officer").status_code == 303


def test_a_strangers_guesses_do_not_keep_the_logins_owner_out(app, client, add_person):
    add_person("accountant")
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    for _ in range(TRIES_FOR_A_LOGIN_FROM_A_NETWORK):
        client.sign_in("accountant", "wrong")
    assert client.sign_in("accountant").status_code == 429
    client.environ_base["REMOTE_ADDR"] = "198.51.100.1"
    assert client.sign_in("accountant").status_code == 303


def test_many_networks_together_do_not_guess_at_one_login_for_ever(
    client, add_person, settings, database, at
):
    add_person("officer")
    note_failure(settings, database, "password_login", "officer", at=at)
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO platform.failed_attempt (id, subject, at)"
                " SELECT gen_random_uuid(), subject, at"
                " FROM platform.failed_attempt, generate_series(3, :tries) AS guess"
            ),
            {"tries": TRIES_FOR_A_LOGIN},
        )
    assert client.sign_in("officer", "wrong").status_code == 401
    client.environ_base["REMOTE_ADDR"] = "198.51.100.1"
    assert client.sign_in("officer").status_code == 429


def test_one_network_can_not_try_many_logins(client, add_person, settings, database, at):
    add_person("officer")
    for _ in range(TRIES_FROM_A_NETWORK):
        note_failure(settings, database, "password_network", "127.0.0.1", at=at)
    assert client.sign_in("officer").status_code == 429
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert client.sign_in("officer").status_code == 303


def test_failures_are_kept_without_login_or_address(client, database):
    client.sign_in("camille.durand", "wrong")
    with database.engine.connect() as connection:
        kept = connection.execute(text("SELECT subject FROM platform.failed_attempt")).scalars()
        subjects = [bytes(each) for each in kept]
    assert len(subjects) == 3
    assert all(len(each) == 32 for each in subjects)
    assert not any(b"camille" in each or b"127" in each for each in subjects)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        (None, "unknown"),
        ("a socket", "unknown"),
    ],
)
def test_a_network_is_an_ipv4_address_or_an_ipv6_home(address, network):
    assert network_of(address) == network


def test_signing_out_ends_the_session_in_the_database_too(app, client, add_person):
    add_person("officer")
    client.sign_in("officer")
    copied = client.get_cookie("sesame").value
    assert client.submit("/console", "/sign-out").location == "/"
    thief = app.test_client()
    thief.set_cookie("sesame", copied)
    assert thief.get("/console").status_code == 303


def test_a_session_ended_on_the_server_is_ended_in_the_browser(client, add_person, database, at):
    add_person("officer")
    client.sign_in("officer")
    assert client.get("/console").status_code == 200
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE platform.session SET ended_at = :at"), {"at": at})
    assert client.get("/console").location == "/sign-in?next=/console"


def test_a_working_day_later_staff_sign_in_again(client, add_person, clock):
    add_person("officer")
    client.sign_in("officer")
    clock.advance(timedelta(hours=9, minutes=59))
    assert client.get("/console").status_code == 200
    clock.advance(timedelta(minutes=2))
    assert client.get("/console").status_code == 303


def test_someone_who_may_no_longer_sign_in_is_out_at_once(client, add_person, database):
    add_person("officer")
    client.sign_in("officer")
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE platform.identity SET active = false"))
    assert client.get("/console").status_code == 303
    assert client.sign_in("officer").status_code == 401


def test_signing_in_again_goes_straight_on(client, add_person):
    add_person("officer")
    client.sign_in("officer")
    assert client.get("/sign-in").location == "/console"
    assert client.get("/sign-in?next=/console/runs").location == "/console/runs"
