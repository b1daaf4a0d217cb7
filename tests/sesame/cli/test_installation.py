"""Making an installation, and the people who run it."""

import json

import psycopg
import pytest

PASSWORD = "une longue phrase\n"


def added(on_database, login="a.martin", role="officer", password=PASSWORD):
    return on_database(
        "staff", "add", "--login", login, "--name", "A. Martin", "--role", role, stdin=password
    )


def test_staff_are_added_and_listed(on_database, test_database):
    done = added(on_database)
    assert done.returncode == 0, done.stderr
    assert added(on_database, "b.petit", "auditor").returncode == 0
    listed = on_database("staff", "list", "--json")
    assert json.loads(listed.stdout) == [
        {"login": "a.martin", "name": "A. Martin", "role": "officer"},
        {"login": "b.petit", "name": "A. Martin", "role": "auditor"},
    ]
    assert "a.martin" in on_database("staff", "list").stdout
    with psycopg.connect(test_database.url()) as connection:
        kept = connection.execute(
            "SELECT id::text, password_hash FROM platform.identity WHERE login = 'a.martin'"
        ).fetchone()
    assert kept[0] == done.stdout.strip()
    assert kept[1].startswith("$argon2id$")


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"password": "court\n"}, 2),
        ({"password": ""}, 2),
        ({"role": "beneficiary"}, 2),
        ({"login": " "}, 2),
        ({"login": "a\tb"}, 2),
    ],
)
def test_a_wrong_staff_member_is_refused_and_nobody_is_added(on_database, wrong, status):
    done = added(on_database, **wrong)
    assert done.returncode == status
    assert "Error" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(on_database("staff", "list", "--json").stdout) == []


def test_a_login_is_taken_once(on_database):
    added(on_database)
    again = added(on_database)
    assert again.returncode == 1
    assert again.stderr == "Cet identifiant est déjà utilisé. [login_taken]\n"


@pytest.mark.parametrize(
    "wrong",
    [{"--issuer": "fr-ex"}, {"--issuer": "F"}, {"--zone": "Europe/Lutèce"}, {"--name": " "}],
)
def test_a_wrong_scheme_is_refused_before_anything_is_made(sesame, tmp_path, wrong):
    given = {"--name": "Région Exemple", "--issuer": "FR-EX", **wrong}
    done = sesame("init", *(word for pair in given.items() for word in pair))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "house").exists()


def test_a_second_scheme_is_refused(on_database):
    done = on_database("init", "--name", "Autre", "--issuer", "FR-B")
    assert done.returncode == 1
    assert "[scheme_exists]" in done.stderr


def test_migrating_what_is_up_to_date_changes_nothing(on_database):
    assert on_database("migrate").stdout == "The database is up to date.\n"
