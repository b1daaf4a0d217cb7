"""Enrolling makes a key that stays here, and keeps what the server answered."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from reader_agent.enrolment import enrol, load_enrolment
from reader_agent.refusals import AgentRefused


def refused_code(*arguments: Any, **options: Any) -> str:
    with pytest.raises(AgentRefused) as refusal:
        enrol(*arguments, **options)
    return refusal.value.code


def test_an_enrolment_is_kept_with_a_key_that_only_its_user_may_read(
    card_server: Any, home: Path, code: str
) -> None:
    enrol(home, card_server.url + "/", code)

    kept = load_enrolment(home)
    [(terminal_id, public_key)] = card_server.keys.items()
    assert str(kept.terminal_id) == terminal_id
    assert kept.site_name == "Librairie des Épreuves"
    assert kept.merchant_name == "Les Épreuves SARL"
    assert kept.issuers.knows_issuer("FR-84")
    [pem] = home.glob("*.pem")
    private_key = serialization.load_pem_private_key(pem.read_bytes(), None)
    assert private_key.public_key() == public_key
    for path in (home, *home.iterdir()):
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_wrong_code_changes_nothing(card_server: Any, home: Path) -> None:
    with pytest.raises(AgentRefused) as refusal:
        enrol(home, card_server.url, "WRONG")
    assert refusal.value.code == "enrolment_code_unknown"
    assert refusal.value.detail == "Ce code n'existe pas."
    assert list(home.iterdir()) == []


def test_an_enrolled_terminal_is_not_enrolled_again_by_mistake(
    card_server: Any, home: Path, code: str
) -> None:
    first = enrol(home, card_server.url, code)
    assert refused_code(home, card_server.url, code) == "already_enrolled"
    assert load_enrolment(home).terminal_id == first.terminal_id


def test_an_enrolment_can_be_replaced_and_its_old_key_goes(
    card_server: Any, home: Path, code: str
) -> None:
    first = enrol(home, card_server.url, code)
    second = enrol(home, card_server.url, code, replace=True)
    assert load_enrolment(home).terminal_id == second.terminal_id != first.terminal_id
    assert len(list(home.glob("*.pem"))) == 1


def test_a_failed_replacement_leaves_the_old_enrolment(
    card_server: Any, home: Path, code: str
) -> None:
    first = enrol(home, card_server.url, code)
    assert refused_code(home, card_server.url, "WRONG", replace=True) == "enrolment_code_unknown"
    kept = load_enrolment(home)
    assert kept.terminal_id == first.terminal_id
    assert kept.private_key.public_key() == card_server.keys[str(first.terminal_id)]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://shop.example.fr", "server_not_https"),
        ("ftp://127.0.0.1", "server_url_malformed"),
        ("127.0.0.1:80", "server_url_malformed"),
        ("https://a.example/path", "server_url_malformed"),
        ("https://a.example/?q=1", "server_url_malformed"),
        ("https://user:secret@a.example", "server_url_malformed"),
        ("https://a.example:99999", "server_url_malformed"),
        ("https://", "server_url_malformed"),
    ],
)
def test_a_server_address_must_be_an_origin_and_private(
    url: str, expected: str, home: Path
) -> None:
    assert refused_code(home, url, "CODE") == expected
    assert not home.exists()


def test_an_unreachable_server_is_said_to_be(home: Path, unused_port: int) -> None:
    assert refused_code(home, f"http://127.0.0.1:{unused_port}", "CODE") == "server_unreachable"
    assert list(home.iterdir()) == []


def test_a_lost_answer_tells_that_the_code_may_be_used_up(
    card_server: Any, home: Path, code: str
) -> None:
    card_server.faults = ["cut before"]
    assert refused_code(home, card_server.url, code) == "enrolment_answer_lost"
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [{"terminal_id": "12"}, {"site": None}, {"issuers": [{"issuer": "FR-84"}]}, {"issuers": 1}],
)
def test_an_answer_that_cannot_be_used_is_not_kept(
    changes: dict[str, Any], card_server: Any, home: Path, code: str
) -> None:
    card_server.enrolment_changes = changes
    assert refused_code(home, card_server.url, code) == "server_answer_unreadable"
    assert list(home.iterdir()) == []


def test_a_folder_without_enrolment_says_so(home: Path) -> None:
    with pytest.raises(AgentRefused) as refusal:
        load_enrolment(home)
    assert refusal.value.code == "not_enrolled"


@pytest.mark.parametrize("damage", ["key gone", "not JSON", "not ours", "key broken"])
def test_a_damaged_enrolment_says_so(damage: str, card_server: Any, home: Path, code: str) -> None:
    enrol(home, card_server.url, code)
    [pem] = home.glob("*.pem")
    kept = home / "enrolment.json"
    if damage == "key gone":
        pem.unlink()
    elif damage == "key broken":
        pem.write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    else:
        kept.write_text("{" if damage == "not JSON" else json.dumps({"answer": 1}))
    with pytest.raises(AgentRefused) as refusal:
        load_enrolment(home)
    assert refusal.value.code == "enrolment_unreadable"
