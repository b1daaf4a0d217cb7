"""Who this terminal is: a key made here, and what the server answered when it was enrolled."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from cardsvc.credential.keys import (
    IssuerKeys,
    key_id_of,
    private_key_from_pem,
    private_key_to_pem,
    public_key_to_jwk,
)
from cardsvc.credential.refusals import KeyRefused

from .private_files import write_private
from .refusals import AgentRefused
from .server import HTTP_CREATED, AnswerLost, NotSent, Server, check_server_url

_ENROLMENT_FILE = "enrolment.json"
_ENROL_PATH = "/api/v1/terminals/enrol"


@dataclass(frozen=True)
class Enrolment:
    """An enrolled terminal: where it stands, its server, its key, the issuers it accepts."""

    server_url: str
    terminal_id: UUID
    site_name: str
    merchant_name: str
    issuers: IssuerKeys
    private_key: ec.EllipticCurvePrivateKey


def enrol(home: Path, server_url: str, code: str, *, replace: bool = False) -> Enrolment:
    """Make a key, give its public half to the server with the one-time code, keep the answer.

    :param replace: give up an enrolment that is already in the folder, once the new one is made.
    :raises AgentRefused: `already_enrolled`, `server_url_malformed`, `server_not_https`,
        `server_unreachable`, `server_answer_unreadable`, `enrolment_answer_lost` (the code may be
        used up), or the server's own code for a wrong, used or expired code.
    """
    url = check_server_url(server_url)
    if is_enrolled(home) and not replace:
        raise AgentRefused("already_enrolled")
    private_key = ec.generate_private_key(ec.SECP256R1())
    public_key = private_key.public_key()
    # The enrolment names its key file, so that both change together when it is replaced.
    key_file = f"terminal-{key_id_of(public_key).hex()}.pem"
    write_private(home / key_file, private_key_to_pem(private_key))
    question = {"code": code, "public_key": public_key_to_jwk(public_key), "kind": "reader"}
    try:
        kept = {"server": url, "key_file": key_file, "answer": _answer_to(url, question)}
        enrolment = _from_kept(home, kept)
    except AgentRefused:
        (home / key_file).unlink()
        raise
    write_private(home / _ENROLMENT_FILE, json.dumps(kept, ensure_ascii=False).encode())
    for old_key in home.glob("terminal-*.pem"):
        if old_key.name != key_file:
            old_key.unlink()
    return enrolment


def is_enrolled(home: Path) -> bool:
    """Say whether the folder holds an enrolment."""
    return (home / _ENROLMENT_FILE).is_file()


def load_enrolment(home: Path) -> Enrolment:
    """Read the enrolment that `enrol` kept.

    :raises AgentRefused: `not_enrolled`, `enrolment_unreadable`.
    """
    try:
        kept = json.loads((home / _ENROLMENT_FILE).read_bytes())
        return _from_kept(home, kept)
    except FileNotFoundError:
        code = "enrolment_unreadable" if is_enrolled(home) else "not_enrolled"
        raise AgentRefused(code) from None
    except (ValueError, TypeError, KeyError, OSError, AgentRefused):
        raise AgentRefused("enrolment_unreadable") from None


def _answer_to(url: str, question: dict[str, Any]) -> dict[str, Any] | None:
    try:
        answer = Server(url).send("POST", _ENROL_PATH, json.dumps(question).encode())
    except NotSent:
        raise AgentRefused("server_unreachable") from None
    except AnswerLost:
        raise AgentRefused("enrolment_answer_lost") from None
    if answer.status != HTTP_CREATED:
        raise AgentRefused(answer.problem_code or "server_refused", answer.problem_detail)
    return answer.data


def _from_kept(home: Path, kept: dict[str, Any]) -> Enrolment:
    answer = kept["answer"]
    pem = (home / kept["key_file"]).read_bytes()
    try:
        return Enrolment(
            server_url=check_server_url(kept["server"]),
            terminal_id=UUID(answer["terminal_id"]),
            site_name=str(answer["site"]["name"]),
            merchant_name=str(answer["merchant"]["name"]),
            issuers=IssuerKeys.from_published(answer["issuers"]),
            private_key=private_key_from_pem(pem),
        )
    except (KeyRefused, KeyError, TypeError, ValueError, AttributeError):
        raise AgentRefused("server_answer_unreadable") from None
