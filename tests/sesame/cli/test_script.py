"""`sesame script`: many commands in one process, stopping at the first failure."""

import json

import pytest


def lines(*commands: object) -> str:
    return "\n".join(json.dumps(each) for each in commands)


def test_each_line_is_a_command_and_answers_on_its_own_line(on_database):
    done = on_database(
        "script", "-", stdin=lines(["settings", "--json"], ["staff", "list", "--json"])
    )
    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["line"], second) == (1, {"line": 2, "output": "[]\n"})
    assert "SESAME_BIND" in json.loads(first["output"])


@pytest.mark.parametrize("wrong", ["not json", '{"a": 1}', "5", '["staff", 5]'])
def test_a_line_that_is_no_command_stops_it_without_being_repeated(on_database, wrong):
    done = on_database("script", "-", stdin=f'["staff", "list"]\n{wrong}\n["settings"]\n')
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) == 1
    assert "line 2 isn't a JSON array" in done.stderr
    assert wrong not in done.stderr


def test_a_failing_command_stops_it(on_database):
    failing = ["staff", "add", "--login", "a", "--name", "A", "--role", "pope"]
    done = on_database("script", "-", stdin=lines(failing, ["settings"]))
    assert done.returncode == 2
    assert done.stdout == ""
