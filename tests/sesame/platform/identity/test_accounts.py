"""Identities and their sessions: passwords, roles, endings."""

import statistics
import time
from datetime import timedelta

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import text

from sesame.platform.identity import create_identity, list_identities, sign_in_with_password
from sesame.platform.identity.accounts import LoginTaken, SignInRefused
from sesame.platform.identity.model import ROLES

PASSWORD = "une longue phrase que je retiens"
STAFF = ("officer", "accountant", "auditor")


def add(session, at, login="a.martin", role="officer", password=PASSWORD):
    return create_identity(
        session, role=role, display_name="A. Martin", login=login, password=password, at=at
    )


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own(session, at):
    add(session, at)
    add(session, at, "b.petit")
    kept = session.scalars(text("SELECT password_hash FROM platform.identity")).all()
    assert len(set(kept)) == 2
    for each in kept:
        PasswordHasher().verify(each, PASSWORD)
        found = extract_parameters(each)
        # OWASP's least for argon2id: 19 MiB and 2 passes.
        assert (found.type.name, found.memory_cost >= 19 * 1024, found.time_cost >= 2) == (
            "ID",
            True,
            True,
        )


def test_the_right_password_names_the_identity(session, at):
    made = add(session, at)
    assert sign_in_with_password(session, "a.martin", PASSWORD) == made


@pytest.mark.parametrize(
    ("login", "password"),
    [("a.martin", "wrong"), ("A.MARTIN", PASSWORD), ("nobody", PASSWORD), ("a.martin", "")],
)
def test_anything_else_is_refused_with_one_code(session, at, login, password):
    add(session, at)
    with pytest.raises(SignInRefused) as refused:
        sign_in_with_password(session, login, password)
    assert (refused.value.code, refused.value.figures) == ("sign_in_refused", {})


def test_who_was_put_out_no_longer_signs_in_nor_is_listed(session, at):
    add(session, at)
    session.execute(text("UPDATE platform.identity SET active = false"))
    with pytest.raises(SignInRefused):
        sign_in_with_password(session, "a.martin", PASSWORD)
    assert list_identities(session, STAFF) == []


def test_nobodys_login_takes_as_long_as_somebodys(session, at):
    """Both pay for one argon2 check, some fifty times the rest: an answer without it would show."""
    add(session, at)

    def duration(login: str) -> float:
        began = time.process_time()
        with pytest.raises(SignInRefused):
            sign_in_with_password(session, login, "wrong")
        return time.process_time() - began

    pairs = [(duration("a.martin"), duration("nobody")) for _ in range(7)]
    somebody, nobody = (statistics.median(each) for each in zip(*pairs, strict=True))
    assert 0.4 < nobody / somebody < 2.5


def test_a_login_is_taken_once(session, at):
    add(session, at)
    with pytest.raises(LoginTaken):
        add(session, at, role="auditor")


@pytest.mark.parametrize("change", ["role = 'pope'", "password_hash = NULL", "login = NULL"])
def test_the_database_refuses_what_no_code_should_write(session, at, change):
    add(session, at)
    with pytest.raises(Exception, match="ck_identity"):
        session.execute(text(f"UPDATE platform.identity SET {change}"))


def test_a_list_holds_the_roles_asked_for_by_login(session, at):
    for number, role in enumerate(ROLES):
        add(session, at, f"login{9 - number}", role)
    create_identity(session, role="officer", display_name="Sans mot de passe", at=at)
    assert [(each.login, each.role) for each in list_identities(session, STAFF)] == [
        ("login4", "auditor"),
        ("login5", "accountant"),
        ("login6", "officer"),
    ]


def test_a_session_ended_on_one_side_is_ended_on_the_other(client, add_person, database):
    add_person("officer")
    client.sign_in("officer")
    assert client.get("/console/runs").status_code == 200
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE platform.session SET ended_at = ends_at"))
    assert client.get("/console/runs").status_code == 303


def test_a_cookie_kept_from_before_signing_out_opens_nothing(client, add_person, app):
    add_person("officer")
    client.sign_in("officer")
    kept = client.get_cookie("sesame").value
    client.submit("/console/runs", "/sign-out")
    thief = app.test_client()
    thief.set_cookie("sesame", kept)
    assert thief.get("/console/runs").status_code == 303


@pytest.mark.parametrize(
    ("role", "lasts"), [("officer", timedelta(hours=10)), ("beneficiary", timedelta(days=180))]
)
def test_a_session_ends_by_itself(client, add_person, clock, role, lasts):
    page = "/wallet" if role == "beneficiary" else "/console/runs"
    add_person(role)
    client.sign_in(role)
    clock.advance(lasts - timedelta(seconds=1))
    assert client.get(page).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert client.get(page).status_code == 303


def test_who_was_put_out_is_out_at_once(client, add_person, database):
    add_person("officer")
    client.sign_in("officer")
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE platform.identity SET active = false"))
    assert client.get("/console/runs").status_code == 303


@pytest.mark.parametrize("role", ROLES)
def test_a_page_opens_to_its_roles_alone(client, add_person, role):
    add_person(role)
    client.sign_in(role)
    for page, allowed in {
        "/wallet": {"beneficiary"},
        "/school": {"school"},
        "/console/runs": {*STAFF},
    }.items():
        assert client.get(page).status_code == (200 if role in allowed else 403), page
