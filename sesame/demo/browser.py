"""A small HTTP client: one connection kept open, cookies, and the token that forms carry."""

import json
import re
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"|name="csrf-token" content="([^"]+)"')


@dataclass(frozen=True)
class Response:
    """An answer: its status, where it leads, its body."""

    status: int
    location: str
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class Browser:
    """Visits pages and calls the API of one server, as one person or one shop."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: HTTPConnection | None = None
        self.cookies: dict[str, str] = {}
        self._csrf = ""

    def kept(self) -> dict[str, Any]:
        """Return what it remembers: cookies, and the token of its forms."""
        return {"cookies": self.cookies, "csrf": self._csrf}

    @classmethod
    def restored(cls, port: int, kept: dict[str, Any]) -> "Browser":
        """Return a browser that remembers what `kept` says."""
        browser = cls(port)
        browser.cookies, browser._csrf = kept["cookies"], kept["csrf"]
        return browser

    def get(self, path: str, headers: dict[str, str] | None = None) -> Response:
        """Get a page, and keep the token of its forms."""
        response = self._send("GET", path, None, headers or {})
        found = _CSRF.search(response.body.decode("utf-8", "replace"))
        if found:
            self._csrf = found[1] or found[2]
        return response

    def post_form(self, path: str, **fields: str) -> Response:
        """Send a form of the last page."""
        body = urlencode({"csrf_token": self._csrf, **fields}).encode()
        return self._send("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def post_json(self, path: str, content: Any, headers: dict[str, str] | None = None) -> Response:
        """Send JSON, as the last page's script would or, with signed headers, as a terminal does."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        own = {"Content-Type": "application/json", "X-CSRFToken": self._csrf}
        return self._send("POST", path, body, own | (headers or {}))

    def _send(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Response:
        sent = dict(headers)
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        fresh = self._connection is None
        try:
            return self._exchange(method, path, body, sent)
        except (OSError, HTTPException):
            self._connection = None
            if fresh:
                raise
            # The server had closed an idle connection.
            return self._exchange(method, path, body, sent)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Response:
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        for value in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(value).items():
                self.cookies[name] = morsel.value
        return Response(answer.status, answer.headers.get("Location", ""), content)
