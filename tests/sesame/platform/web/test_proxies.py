"""Whom a request comes from: told by the proxies that we run, and by nobody else."""

from dataclasses import replace

import pytest
from flask import Flask, request

from sesame.platform.web import Registry, Shell, create_shell

INVENTED = "203.0.113.66"
VISITOR = "192.0.2.7"
OUTER_PROXY = "198.51.100.1"


@pytest.fixture
def seen(settings, database, clock, scheme):
    """Return a function that tells what the application sees of a request behind `count` proxies."""

    def ask(count: int, **headers: str) -> tuple[str, str, str]:
        shell = Shell(replace(settings, trusted_proxies=count), database, clock)
        app = create_shell(shell, Registry())

        @app.get("/seen")
        def saw() -> list[str]:
            return [request.remote_addr or "", request.scheme, request.host]

        named = {f"X-Forwarded-{name}": value for name, value in headers.items()}
        return tuple(app.test_client().get("/seen", headers=named).json)

    return ask


def test_without_a_proxy_the_headers_are_the_visitors_own_invention(seen):
    assert seen(0, For=INVENTED, Proto="https", Host="evil.example") == (
        "127.0.0.1",
        "http",
        "localhost",
    )


def test_behind_one_proxy_what_it_appended_is_believed_and_no_more(seen):
    assert seen(1, For=f"{INVENTED}, {VISITOR}", Proto="https", Host="evil.example") == (
        VISITOR,
        "https",
        "localhost",
    )


def test_behind_two_proxies_the_outer_ones_word_counts(seen):
    chain = f"{INVENTED}, {VISITOR}, {OUTER_PROXY}"
    assert seen(2, For=chain, Proto="https, http")[:2] == (VISITOR, "https")


def test_a_request_that_went_around_the_proxies_keeps_its_own_address(seen):
    assert seen(2, For=INVENTED) == ("127.0.0.1", "http", "localhost")


def test_guesses_are_counted_by_visitor_and_not_by_proxy(settings, database, clock, scheme):
    from sesame.platform.identity import hooks as identity_hooks
    from sesame.platform.identity.pages import TRIES_FOR_A_LOGIN_FROM_A_NETWORK

    registry = Registry()
    identity_hooks.register(registry)
    app: Flask = create_shell(
        Shell(replace(settings, trusted_proxies=1), database, clock), registry
    )
    app.config["WTF_CSRF_ENABLED"] = False

    def guess(address: str) -> int:
        form = {"login": "officer", "password": "wrong"}
        headers = {"X-Forwarded-For": f"{INVENTED}, {address}"}
        return app.test_client().post("/sign-in", data=form, headers=headers).status_code

    assert {guess(VISITOR) for _ in range(TRIES_FOR_A_LOGIN_FROM_A_NETWORK)} == {401}
    assert (guess(VISITOR), guess("192.0.2.8")) == (429, 401)
