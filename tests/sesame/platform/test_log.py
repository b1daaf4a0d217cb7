"""Logs: JSON lines with a request id, and nothing about a person whatever goes wrong."""

import json
import logging

import pytest
from sqlalchemy import text

from sesame.platform.database import unit_of_work
from sesame.platform.log import logger

MARKER = "Marqueur-Durand"


def test_an_event_is_one_json_line(written):
    logger().info("run_approved", run_id="0190", transfers=3)
    (line,) = written()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "run_approved", "level": "info", "run_id": "0190", "transfers": 3}


def test_the_libraries_events_are_json_lines_too(written):
    logging.getLogger("kombu.connection").warning("cannot reach\n%s", "127.0.0.1")
    (line,) = written()
    assert (line["event"], line["logger"]) == ("cannot reach\n127.0.0.1", "kombu.connection")


def test_less_than_the_level_is_left_out(written):
    logger().debug("noise")
    logging.getLogger("celery").debug("noise")
    assert written() == []


def test_an_exception_is_its_type_and_place_without_its_message(written):
    try:
        raise ValueError(f"{MARKER}, née le 3 mai 2009")
    except ValueError as failure:
        logger().exception("import_failed")
        logger().error("import_failed", exc_info=failure)
        logging.getLogger("celery").exception("Task raised: %s", failure)  # noqa: TRY401
    lines = written()
    assert len(lines) == 3
    for line in lines:
        assert line["error"] == "ValueError"
        assert "test_log.py" in line["where"][-1]
    assert MARKER not in json.dumps(lines, ensure_ascii=False)


def test_a_request_writes_its_route_and_id_and_nothing_that_was_typed(client, add_person, written):
    add_person("officer")
    written()
    answer = client.get(
        f"/console/runs?name={MARKER}", headers={"X-Request-Id": "a-request-of-mine"}
    )
    assert answer.headers["X-Request-Id"] == "a-request-of-mine"
    client.sign_in(MARKER, f"{MARKER} password")
    client.get(f"/nowhere/{MARKER}", headers={"Cookie": f"x={MARKER}", "User-Agent": MARKER})
    client.get("/healthz", headers={"X-Request-Id": f"{MARKER} x"})
    lines = written()
    assert [line["event"] for line in lines] == ["request"] * 5
    assert (lines[0]["route"], lines[0]["request_id"]) == ("/console/runs", "a-request-of-mine")
    assert len({line["request_id"] for line in lines}) == 5
    assert MARKER not in json.dumps(lines, ensure_ascii=False)


def test_a_database_error_in_a_request_quotes_no_value(app, client, database, written):
    @app.get("/broken-by-a-name")
    def broken() -> str:
        with unit_of_work(database) as session:
            session.execute(text("SELECT CAST(:name AS integer)"), {"name": MARKER})
        return ""

    answer = client.get("/broken-by-a-name")
    lines = written()
    assert answer.status_code == 500
    assert MARKER not in answer.get_data(as_text=True)
    assert MARKER not in json.dumps(lines, ensure_ascii=False)
    assert {"unexpected_error", "request"} == {line["event"] for line in lines}


def test_the_servers_own_log_quotes_no_value_either(database, server):
    with pytest.raises(Exception, match="integer"):
        with unit_of_work(database) as session:
            session.execute(text("SELECT CAST(:name AS integer)"), {"name": "Marqueur-Serveur"})
    log = server.log_file.read_text(encoding="utf-8", errors="replace")
    assert "ready to accept connections" in log
    assert "Marqueur-Serveur" not in log
