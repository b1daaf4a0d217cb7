"""The demonstration's shoppers and shops: they enrol as people and tills do, and buy."""

import base64
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sesame.demo.browser import Browser, Response
from sesame.demo.processes import DemonstrationFailed, Installation
from sesame.demo.region.phone import Phone
from sesame.demo.region.plan import PlannedPurchase
from sesame.demo.region.terminal import Terminal

RENEW_BEFORE = timedelta(days=1)
PURCHASES = "/api/v1/purchases"


@dataclass
class Shopper:
    """A student with an enrolled phone, whose browser stays signed in."""

    browser: Browser
    phone: Phone
    phone_key_id: str
    token: bytes
    expires_at: datetime

    @classmethod
    def enrol(cls, installation: Installation, code: str) -> "Shopper":
        """Type the class-sheet code, open the wallet, and let the phone make its key."""
        browser = Browser(installation.port)
        browser.get("/enrol")
        done = browser.post_form("/enrol", code=code)
        _expect(done, (302, 303), "enrolling a student")
        browser.get("/wallet")
        phone = Phone.new()
        answer = browser.post_json("/api/v1/phone/keys", {"public_key": phone.jwk()})
        _expect(answer, (201,), "putting the card on a phone")
        return cls(browser, phone, answer.json()["phone_key_id"], *_token(answer.json()))

    def kept(self) -> dict[str, Any]:
        """Return what brings the same phone back after a restart, its browser signed in as before."""
        return {
            "key": self.phone.to_pem().decode(),
            "phone_key_id": self.phone_key_id,
            "token": base64.b64encode(self.token).decode(),
            "expires_at": self.expires_at.isoformat(),
            "browser": self.browser.kept(),
        }

    @classmethod
    def restored(cls, installation: Installation, kept: dict[str, Any]) -> "Shopper":
        """Return the phone that `kept` describes."""
        return cls(
            Browser.restored(installation.port, kept["browser"]),
            Phone.from_pem(kept["key"].encode()),
            kept["phone_key_id"],
            base64.b64decode(kept["token"]),
            datetime.fromisoformat(kept["expires_at"]),
        )

    def qr(self, at: datetime) -> str:
        """Return the code that the phone shows at `at`; the token is renewed when it runs out."""
        if at > self.expires_at - RENEW_BEFORE:
            answer = self.browser.post_json(
                "/api/v1/phone/tokens", {"phone_key_id": self.phone_key_id}
            )
            _expect(answer, (201,), "renewing a phone's token")
            self.token, self.expires_at = _token(answer.json())
        return self.phone.qr_text(self.token, at)


@dataclass
class Shop:
    """A shop's terminal, with the connection that it keeps open."""

    browser: Browser
    terminal: Terminal
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def enrol(cls, installation: Installation, code: str) -> "Shop":
        """Enrol the till by its one-time code."""
        browser, terminal = Browser(installation.port), Terminal.new()
        answer = browser.post_json(
            "/api/v1/terminals/enrol",
            {"code": code, "public_key": terminal.jwk(), "kind": "till"},
        )
        _expect(answer, (200, 201), "enrolling a till")
        terminal.terminal_id = UUID(answer.json()["terminal_id"])
        return cls(browser, terminal)

    def kept(self) -> dict[str, str]:
        """Return what brings the same till back after a restart."""
        return {"key": self.terminal.to_pem().decode(), "id": str(self.terminal.terminal_id)}

    @classmethod
    def restored(cls, installation: Installation, kept: dict[str, str]) -> "Shop":
        """Return the till that `kept` describes."""
        terminal = Terminal.from_pem(kept["key"].encode(), UUID(kept["id"]))
        return cls(Browser(installation.port), terminal)

    def sell(self, body: bytes, key: str, at: datetime) -> dict[str, Any]:
        """Send one signed purchase and return its answer; sending it again is harmless."""
        with self.lock:
            headers = self.terminal.headers(
                "POST", PURCHASES, at=at, body=body, idempotency_key=key
            )
            answer = self.browser.post_json(PURCHASES, body, headers)
        _expect(answer, (200, 201), "a purchase")
        decided: dict[str, Any] = answer.json()
        return decided


def purchase_body(planned: PlannedPurchase, qr: str) -> bytes:
    """Return the request of a planned purchase, as bytes that can be sent again as they are."""
    lines = [
        {
            "category": line.article.category,
            "amount_cents": line.cents,
            "quantity": line.quantity,
            "ean": line.article.ean13 or None,
        }
        for line in planned.lines
    ]
    return json.dumps(
        {"qr": qr, "lines": lines, "currency": "EUR", "accept_partial": planned.accepts_partial}
    ).encode()


def in_threads(work: Iterable[Any], do: Any, threads: int = 4) -> None:
    """Call `do(each)` for all of `work` from a few threads; raise the first failure at the end."""
    remaining = iter(list(work))
    lock = threading.Lock()
    failures: list[BaseException] = []

    def run() -> None:
        while not failures:
            with lock:
                each = next(remaining, None)
            if each is None:
                return
            try:
                do(each)
            except BaseException as failure:
                failures.append(failure)

    running = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failures:
        raise failures[0]


def _token(answer: dict[str, Any]) -> tuple[bytes, datetime]:
    text = answer["token"]
    token = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return token, datetime.fromisoformat(answer["expires_at"])


def _expect(response: Response, statuses: tuple[int, ...], what: str) -> None:
    if response.status not in statuses:
        raise DemonstrationFailed(
            f"{what}: HTTP {response.status} {response.body[:600].decode('utf-8', 'replace')}"
        )
