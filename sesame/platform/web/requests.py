"""A request's id, its one log line, and nothing about a person in it."""

import re
import time

import structlog
from flask import Flask, Response, g, request

from sesame.platform.ids import uuid7
from sesame.platform.log import logger

_GIVEN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


def install(app: Flask) -> None:
    """Give each request an id; log its route (never its address, query or body) and duration."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _GIVEN_ID.fullmatch(given) else str(uuid7())
        g.request_began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        if (request.endpoint or "").rpartition(".")[2] != "static":
            logger().info(
                "request",
                method=request.method,
                route=request.url_rule.rule if request.url_rule else None,
                status=response.status_code,
                milliseconds=round(1000 * (time.perf_counter() - g.get("request_began", 0.0)), 1),
            )
        return response
