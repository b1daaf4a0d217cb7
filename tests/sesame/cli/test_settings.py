"""`sesame settings`."""

import json


def test_the_command_lists_all_of_them_and_never_a_password(sesame, tmp_path):
    given = {
        "SESAME_DATABASE_URL": "postgresql://web:marqueur1@db.example.org:5432/sesame",
        "SESAME_DATABASE_OWNER_URL": "postgresql://own@db/sesame?password=marqueur2&sslmode=require",
        "SESAME_BROKER_URL": "redis://:marqueur3@127.0.0.1:6379/0",
    }
    shown = json.loads(sesame("settings", "--json", **given).stdout)
    assert shown["SESAME_DATABASE_URL"] == "postgresql://web@db.example.org:5432/sesame"
    assert shown["SESAME_DATABASE_OWNER_URL"] == "postgresql://own@db/sesame?sslmode=require"
    assert shown["SESAME_BROKER_URL"] == "redis://127.0.0.1:6379/0"
    assert shown["SESAME_DATA_DIR"] == str(tmp_path / "house")
    read = sesame("settings", **given).stdout
    assert all(name in read for name in shown)
    assert "marqueur" not in read + json.dumps(shown)


def test_a_wrong_setting_stops_a_command_with_its_sentence(sesame):
    done = sesame("settings", SESAME_LOG_LEVEL="loud")
    assert done.returncode == 1
    assert (
        done.stderr == "SESAME_LOG_LEVEL must be one of debug, info, warning, error, not 'loud'\n"
    )
