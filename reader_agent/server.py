"""Speaks HTTP with the server; tells a request that never left from one whose answer is lost."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from .refusals import AgentRefused

HTTP_OK = 200
HTTP_CREATED = 201
HTTP_NOT_FOUND = 404
_MAX_ANSWER_BYTES = 1 << 20
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class NotSent(Exception):
    """No connection: the server cannot have seen the request."""


class AnswerLost(Exception):
    """The request may have reached the server, but no whole answer came back."""


@dataclass(frozen=True)
class Answer:
    """What the server answered. `data` is its JSON object, or None when it gave another thing."""

    status: int
    data: dict[str, Any] | None
    date: datetime | None

    @property
    def problem_code(self) -> str | None:
        """The stable code of an RFC 9457 problem."""
        return self._text("code")

    @property
    def problem_detail(self) -> str | None:
        """The sentence of an RFC 9457 problem."""
        return self._text("detail") or self._text("title")

    def _text(self, member: str) -> str | None:
        value = (self.data or {}).get(member)
        return value if isinstance(value, str) and value else None


def check_server_url(url: str) -> str:
    """Give back the origin of a server, without a trailing slash.

    :raises AgentRefused: `server_url_malformed` for anything but scheme, host and port;
        `server_not_https` for plain HTTP to another machine.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise AgentRefused("server_url_malformed") from None
    beyond_origin = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in {"http", "https"} or not parts.hostname or beyond_origin:
        raise AgentRefused("server_url_malformed")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise AgentRefused("server_not_https")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


class Server:
    """One server, one connection for each request."""

    def __init__(self, url: str, *, lang: str = "fr", timeout_seconds: float = 5.0) -> None:
        self._parts = urlsplit(check_server_url(url))
        self._lang = lang
        self._timeout_seconds = timeout_seconds

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and read its whole answer, whatever its status.

        :raises NotSent: no connection.
        :raises AnswerLost: cut or late after that.
        """
        sent = {"Accept": "application/json", "Accept-Language": self._lang, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        connection = self._connection()
        try:
            try:
                connection.connect()
            except OSError:
                raise NotSent from None
            try:
                connection.request(method, path, body=body, headers=sent)
                response = connection.getresponse()
                content = response.read(_MAX_ANSWER_BYTES)
            except (OSError, HTTPException):
                raise AnswerLost from None
            return Answer(response.status, _json_object(content), _date(response.getheader("Date")))
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return HTTPSConnection(host, port, timeout=self._timeout_seconds, context=context)
        return HTTPConnection(host, port, timeout=self._timeout_seconds)


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return date if date is not None and date.tzinfo is not None else None
