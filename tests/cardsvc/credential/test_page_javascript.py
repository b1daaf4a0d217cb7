"""The JavaScript printed in docs/credential.md, run by Chromium with a key it cannot export."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from cardsvc.credential.keys import IssuerKey, IssuerKeys, public_key_from_jwk
from cardsvc.credential.token import issue_token
from cardsvc.credential.verify import verify_presentation

PAGE = Path(__file__).parents[3] / "docs" / "credential.md"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of this machine's own address, since WebCrypto is there in secure contexts only."""

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>phone</title>")

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield page
        page.close()
        server.shutdown()


def test_a_page_that_follows_the_document_makes_qrs_that_are_believed(
    page: Page, issuer_key: IssuerKey, issuers: IssuerKeys
) -> None:
    [source] = re.findall(r"```js\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    jwk = page.evaluate(
        """async () => {
          window.pair = await crypto.subtle.generateKey(
            { name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
          return crypto.subtle.exportKey("jwk", window.pair.publicKey);
        }"""
    )
    at = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
    token = issue_token(
        issuer_key,
        token_id=bytes(range(16)),
        holder_public_key=public_key_from_jwk(jwk),
        status_index=4_000_000_000,
        issued_at=at,
        expires_at=at + timedelta(hours=1),
    )
    page.add_script_tag(content=source)
    nonces = set()
    for seconds in range(5):
        text = page.evaluate(
            """async ([token, now]) =>
              "SES1:" + base45(await presentation(window.pair.privateKey, hex(token), now))""",
            [token.hex(), (int(at.timestamp()) + seconds) * 1000 + 999],
        )
        verified = verify_presentation(text, issuers, at)
        assert verified.claims.token_id == bytes(range(16))
        assert verified.proof.time == at + timedelta(seconds=seconds)
        nonces.add(verified.proof.nonce)
    assert len(nonces) == 5
