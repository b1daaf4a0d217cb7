"""The agent's HTTP interface for the shop's own software, on this machine only.

Every request carries `Authorization: Bearer <token>`; the token is in a file of the agent's folder
that only its user may read. Errors are problem documents (RFC 9457) with a stable `code`.

    GET  /health            {"status": "ok", "site": ..., "pending": 0}
    POST /sale              {"amount_cents": 1240, "category": "books", "accept_partial": true,
                             "qr": "SES1:..."}; "lines" instead of amount and category for a
                            basket; without "qr" the reader waits for one. A caller that may ask
                            again sends its own Idempotency-Key (a random UUID, version 4).
    GET  /sale/<key>        the answer for a key
    POST /reader/present    {"qr": "SES1:..."}: with a simulated reader only
"""

import hmac
import json
import logging
import os
import secrets
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

from .private_files import write_private
from .readers import NothingPresented, Reader
from .readers.simulated import SimulatedReader
from .refusals import AgentRefused, AnswerUnknown
from .sale import Decision, Line, NotBooked, Till
from .wording import say

TOKEN_FILE = "local-api-token"  # noqa: S105 (a file's name)
_MAX_BODY_BYTES = 64 * 1024
_WAIT_FOR_READER_SECONDS = 30.0
_SALE_MEMBERS = {"amount_cents", "category", "lines", "qr", "accept_partial"}
_LINE_MEMBERS = {"amount_cents", "category", "ean"}

_logger = logging.getLogger(__name__)


class BadRequest(Exception):
    """A request that does not say what it should; `code` is stable."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


def read_or_make_token(home: Path) -> str:
    """Give the token that callers must show, made on first use."""
    path = home / TOKEN_FILE
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        token = secrets.token_urlsafe(32)
        write_private(path, token.encode("ascii"))
        return token


class LocalApi(ThreadingHTTPServer):
    """Serves one till on 127.0.0.1. Port 0 takes a free one; `server_port` tells which."""

    daemon_threads = True

    def __init__(
        self,
        till: Till,
        reader: Reader,
        token: str,
        port: int,
        *,
        wait_for_reader_seconds: float = _WAIT_FOR_READER_SECONDS,
    ) -> None:
        self.till = till
        self.reader = reader
        self.token = token
        self.wait_for_reader_seconds = wait_for_reader_seconds
        self._port = port
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def server_bind(self) -> None:
        """Bind without the base class's look-up of this machine's name, which may take seconds."""
        if os.name != "nt":
            # Start again at once after a stop. On Windows the same option would let two agents
            # share a port.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self._port))
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]


class _Handler(BaseHTTPRequestHandler):
    server: LocalApi
    # A caller that connects and says nothing must not hold a thread for ever.
    timeout = 60

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, *_: object) -> None:
        # Keys and QRs stand in paths and bodies: nothing of a request is logged but its outcome.
        return

    def _get(self) -> tuple[int, dict[str, Any]]:
        if self.path == "/health":
            till = self.server.till
            return 200, {
                "status": "ok",
                "site": till.enrolment.site_name,
                "pending": len(till.pending.all()),
            }
        if self.path.startswith("/sale/"):
            try:
                return _decided(self.server.till.look_up(_uuid(self.path.removeprefix("/sale/"))))
            except NotBooked:
                raise BadRequest("sale_unknown", 404) from None
        raise BadRequest("not_found", 404)

    def _post(self) -> tuple[int, dict[str, Any]]:
        if self.path == "/sale":
            return self._sale(self._json())
        if self.path == "/reader/present" and isinstance(self.server.reader, SimulatedReader):
            self.server.reader.present(_text(self._json(), "qr"))
            return 202, {"status": "presented"}
        raise BadRequest("not_found", 404)

    def _sale(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if asked.keys() - _SALE_MEMBERS:
            raise BadRequest("member_unknown")
        lines = _lines(asked)
        accept_partial = asked.get("accept_partial", False)
        if not isinstance(accept_partial, bool):
            raise BadRequest("accept_partial_malformed")
        given_key = self.headers.get("Idempotency-Key")
        key = _uuid(given_key) if given_key is not None else None
        qr = self._presented(asked)
        return _decided(
            self.server.till.sell(qr, lines, accept_partial=accept_partial, idempotency_key=key)
        )

    def _presented(self, asked: dict[str, Any]) -> str:
        if "qr" in asked:
            return _text(asked, "qr")
        return self.server.reader.read(self.server.wait_for_reader_seconds)

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdecimal()):
            raise BadRequest("length_malformed")
        if int(length) > _MAX_BODY_BYTES:
            raise BadRequest("body_too_large", 413)
        return self.rfile.read(int(length))

    def _json(self) -> dict[str, Any]:
        try:
            value = json.loads(self._body)
        except (ValueError, RecursionError):
            raise BadRequest("json_malformed") from None
        if not isinstance(value, dict):
            raise BadRequest("json_malformed")
        return value

    def _answer(self, act: Callable[[], tuple[int, dict[str, Any]]]) -> None:
        try:
            # Read even when it will be refused: closing on unread bytes loses the answer.
            self._body = self._read_body()
            self._require_token()
            status, content = act()
        except BadRequest as refusal:
            status, content = refusal.status, _problem(refusal.code, refusal.status)
        except NothingPresented:
            status, content = 408, _problem("nothing_presented", 408)
        except AgentRefused as refusal:
            status = 502 if refusal.code == "server_unreachable" else 422
            content = _problem(refusal.code, status, refusal.detail)
        except AnswerUnknown as unknown:
            status = 202
            content = {"outcome": "unknown", "idempotency_key": unknown.idempotency_key}
        except Exception as error:
            # The type alone: a message could carry what a caller sent.
            _logger.error("local request failed: %s", type(error).__name__)  # noqa: TRY400
            status, content = 500, _problem("internal_error", 500)
        self._send(status, content)

    def _require_token(self) -> None:
        shown = self.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(shown, f"Bearer {self.server.token}".encode()):
            raise BadRequest("token_wrong", 401)

    def _send(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content, ensure_ascii=False).encode("utf-8")
        kind = "application/problem+json" if "code" in content else "application/json"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _decided(decision: Decision) -> tuple[int, dict[str, Any]]:
    return 200, {
        **decision.answer,
        "idempotency_key": decision.idempotency_key,
        "to_collect_cents": decision.to_collect_cents,
    }


def _problem(code: str, status: int, detail: str | None = None) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "status": status,
        "code": code,
        "title": detail or say(code, "fr"),
    }


def _lines(asked: dict[str, Any]) -> list[Line]:
    if "lines" not in asked:
        return [_line({name: asked.get(name) for name in ("amount_cents", "category")})]
    if "amount_cents" in asked or "category" in asked:
        raise BadRequest("lines_or_amount")
    lines = asked["lines"]
    if not isinstance(lines, list):
        raise BadRequest("lines_malformed")
    return [_line(line) for line in lines]


def _line(line: Any) -> Line:
    if not isinstance(line, dict) or line.keys() - _LINE_MEMBERS:
        raise BadRequest("lines_malformed")
    amount_cents, ean = line.get("amount_cents"), line.get("ean")
    if not isinstance(amount_cents, int) or isinstance(amount_cents, bool):
        raise BadRequest("amount_malformed")
    if ean is not None and not isinstance(ean, str):
        raise BadRequest("lines_malformed")
    return Line(category=_text(line, "category"), amount_cents=amount_cents, ean=ean)


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name}_malformed")
    return value


def _uuid(text: str) -> str:
    try:
        parsed = UUID(text)
    except ValueError:
        raise BadRequest("idempotency_key_malformed") from None
    if parsed.version != 4:
        raise BadRequest("idempotency_key_malformed")
    return str(parsed)
