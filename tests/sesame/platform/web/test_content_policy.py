"""What a page may run and load, judged by a browser, and the headers that say so."""

import pytest
from flask.testing import FlaskClient

from sesame.platform.web.security import allow_camera_and_wasm


@pytest.mark.browser
def test_neither_an_inline_script_nor_a_handler_nor_a_style_takes_effect(look):
    page = look.page()
    page.goto("/planted")
    sign = page.locator("#sign")
    page.wait_for_load_state("networkidle")
    assert sign.text_content() == "untouched"
    assert sign.evaluate("element => getComputedStyle(element).color") != "rgb(1, 2, 3)"


@pytest.mark.browser
def test_a_page_of_ours_breaks_none_of_its_own_rules(look):
    page = look.page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    for path in ("/", "/sign-in", "/till"):
        page.goto(path, wait_until="networkidle")
    assert complaints == []


def test_every_answer_carries_the_security_headers(client):
    for path in ("/", "/sign-in", "/nowhere", "/api/v1/nowhere", "/static/base.css"):
        headers = client.get(path, buffered=True).headers
        policy = headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy, path
        assert "'unsafe-inline'" not in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]


def test_only_a_page_that_asks_for_it_may_use_the_camera_and_webassembly(app):
    @app.get("/scan")
    def scan() -> str:
        allow_camera_and_wasm()
        return "scan"

    headers = FlaskClient(app).get("/scan").headers
    assert "script-src 'self' 'wasm-unsafe-eval';" in headers["Content-Security-Policy"]
    assert "camera=(self)" in headers["Permissions-Policy"]


def test_pages_are_never_kept_by_a_cache_and_static_files_may_be(client):
    assert client.get("/sign-in").headers["Cache-Control"] == "no-store"
    assert client.get("/static/base.css", buffered=True).headers["Cache-Control"] != "no-store"
    assert (
        client.get("/static/home/front.css", buffered=True).headers["Cache-Control"] != "no-store"
    )


def test_the_session_cookie_is_out_of_reach_of_scripts(client, add_person):
    add_person("officer")
    cookie = client.sign_in("officer").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
