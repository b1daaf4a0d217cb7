"""Every error is a sentence with a way out on a page, and problem details in the API."""

import re

import psycopg
import pytest
from sqlalchemy import text

from sesame.platform.database import unit_of_work


def test_a_page_that_does_not_exist_says_so_and_leads_home(client):
    answer = client.get("/nowhere")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "not_found" in page
    assert 'href="/"' in page
    assert answer.headers["X-Request-Id"] in page


def test_the_api_answers_with_problem_details_for_what_does_not_exist(client):
    answer = client.get("/api/v1/nowhere")
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"] == "not_found"
    assert answer.json["instance"] == f"urn:request:{answer.headers['X-Request-Id']}"


def test_a_wrong_method_is_said_in_words(client):
    answer = client.post("/till")
    assert answer.status_code in (400, 405)
    assert answer.mimetype == "text/html"


def test_a_refusal_speaks_to_who_reads_it(client, add_person):
    assert "La porte est bloquée\u00a0: poussez." in client.get("/jammed").get_data(as_text=True)
    add_person("beneficiary")
    client.sign_in("beneficiary")
    answer = client.get("/jammed")
    assert answer.status_code == 409
    assert "La porte est bloquée\u00a0: pousse." in answer.get_data(as_text=True)


def test_the_way_out_is_the_readers_own_first_page(client, add_person):
    add_person("officer")
    client.sign_in("officer")
    assert 'class="btn" href="/console"' in client.get("/nowhere").get_data(as_text=True)


def test_an_unexpected_error_shows_and_logs_nothing_of_its_message(client, capsys):
    answer = client.get("/broken")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "unexpected" in page
    assert "Traceback" not in page
    written = capsys.readouterr()
    for told in (page, written.out, written.err):
        assert "Camille" not in told
        assert "2009" not in told
    assert re.search(r"unexpected_error.*RuntimeError", written.out + written.err)


def test_a_database_that_is_away_still_gives_a_readable_page(client, add_person, test_database):
    add_person("officer")
    client.sign_in("officer")
    with psycopg.connect(
        test_database.server.url("postgres", "postgres"), autocommit=True
    ) as connection:
        connection.execute(f"ALTER DATABASE {test_database.name} ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [test_database.name],
        )
    answer = client.get("/console")
    assert answer.status_code == 500
    assert "unexpected" in answer.get_data(as_text=True)
    assert answer.mimetype == "text/html"


def test_the_wrong_role_is_told_so_and_sees_nothing(client, add_person, database):
    add_person("school")
    client.sign_in("school")
    answer = client.get("/console")
    assert answer.status_code == 403
    assert "not_allowed" in answer.get_data(as_text=True)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM platform.session")) == 1


@pytest.mark.parametrize("path", ["/held", "/api/v1/held"])
def test_what_waits_too_long_for_somebody_elses_lock_says_to_try_again(
    app, client, database, test_database, path
):
    @app.get(path)
    def held() -> str:
        with unit_of_work(database) as session:
            session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            session.execute(text("SELECT 1 FROM platform.scheme FOR UPDATE"))
        return "never"

    with psycopg.connect(test_database.url()) as other:
        other.execute("SELECT 1 FROM platform.scheme FOR UPDATE")
        answer = client.get(path)
    assert answer.status_code == 503
    assert "busy" in answer.get_data(as_text=True)
    assert answer.mimetype == ("application/problem+json" if "api" in path else "text/html")
