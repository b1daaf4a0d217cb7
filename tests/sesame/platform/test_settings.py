"""Settings: typed, with a sentence that names the variable when a value is wrong."""

import os
from pathlib import Path

import pytest

from sesame.platform.settings import SettingInvalid, Settings, default_data_dir, load_settings


def test_nothing_set_gives_the_defaults():
    found = load_settings({})
    assert found == Settings(data_dir=default_data_dir())
    assert (found.bind, found.web_processes, found.web_threads) == ("127.0.0.1:8080", 2, 8)
    assert found.keys_dir == found.data_dir / "keys"


def test_an_empty_value_is_the_default_and_others_variables_are_not_ours():
    given = {
        "SESAME_BIND": " ",
        "SESAME_DATABASE_URL": "",
        "HOME": "/elsewhere",
        "SESAME_BENCH": "x",
    }
    assert load_settings(given) == load_settings({})


def test_root_keeps_data_apart_and_others_under_their_own_folder(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/sesame")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/a/data")
    assert default_data_dir() == Path("/home/a/data/sesame")


def test_each_value_is_read():
    found = load_settings(
        {
            "SESAME_DATA_DIR": "/srv/sesame/../sesame-fr",
            "SESAME_DATABASE_URL": "postgresql://web:p@db/sesame",
            "SESAME_BROKER_URL": "redis://127.0.0.1/0",
            "SESAME_BIND": "[::1]:443",
            "SESAME_WEB_PROCESSES": "256",
            "SESAME_LOG_LEVEL": "WARNING",
            "SESAME_TRUSTED_PROXIES": "2",
            "SESAME_PUBLIC_URL": "https://carte.example.org",
        }
    )
    assert found.data_dir == Path("/srv/sesame-fr")
    assert (found.bind, found.web_processes, found.log_level) == ("[::1]:443", 256, "warning")
    assert found.trusted_proxies == 2
    assert load_settings({"SESAME_TRUSTED_PROXIES": "0"}).trusted_proxies == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESAME_DATABASE_URL", "mysql://u:marqueur@h/db"),
        ("SESAME_DATABASE_URL", "postgres://u:marqueur@h/db"),
        ("SESAME_DATABASE_URL", "postgresql://u:marqueur@[::1/db"),
        ("SESAME_DATABASE_OWNER_URL", "marqueur"),
        ("SESAME_BROKER_URL", "http://h"),
        ("SESAME_PUBLIC_URL", "carte.example.org"),
        ("SESAME_TRUSTED_PROXIES", "-1"),
        ("SESAME_TRUSTED_PROXIES", "9"),
        ("SESAME_TRUSTED_PROXIES", "10.0.0.0/8"),
        ("SESAME_BIND", "8080"),
        ("SESAME_BIND", "127.0.0.1:"),
        ("SESAME_BIND", "127.0.0.1:0"),
        ("SESAME_BIND", "127.0.0.1:65536"),
        ("SESAME_BIND", "127.0.0.1:²"),
        ("SESAME_BIND", "127.0.0.1:" + "9" * 5000),
        ("SESAME_WEB_PROCESSES", "0"),
        ("SESAME_WEB_PROCESSES", "two"),
        ("SESAME_WEB_THREADS", "257"),
        ("SESAME_WEB_THREADS", "1.5"),
        ("SESAME_WEB_THREADS", "٣"),
        ("SESAME_WEB_THREADS", "1" * 5000),
        ("SESAME_LOG_LEVEL", "loud"),
        ("SESAME_DATA_DIR", "~no-such-user-here/data"),
    ],
)
def test_a_wrong_value_is_explained_by_its_name_without_a_password(name, value):
    with pytest.raises(SettingInvalid, match=f"^{name} ") as refused:
        load_settings({name: value})
    assert "marqueur" not in str(refused.value)
