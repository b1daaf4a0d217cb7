"""Structured logs: one JSON line an event, a request id, opaque ids only, never a person's data.

An exception is written as its type and where it was raised, without its message: a database's or a
parser's message may quote a person's data.
"""

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import structlog

_FRAMES = 12


def logger() -> Any:
    """Return the structured logger. Call it as `logger().info("event_name", some_id=…)`."""
    return structlog.get_logger("sesame")


def set_up_logs(level: str) -> None:
    """Send events to standard error as JSON lines, from `level` up; the libraries' events as well."""
    lines = _StandardError()
    lines.setFormatter(_JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[lines], force=True)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception_without_message,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        # Looked up at each event: a daemon or a test may have given the process another one.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def where_raised(trace: TracebackType | None) -> list[str]:
    """Return the last frames of a traceback, innermost last, as "file:line function"."""
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _exception_without_message(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    given = event.pop("exc_info", None)
    failure = sys.exception() if given is True else given
    if isinstance(failure, tuple):
        failure = failure[1]
    if isinstance(failure, BaseException):
        event["error"] = type(failure).__name__
        event["where"] = where_raised(failure.__traceback__)
    return event


class _StandardError(logging.StreamHandler[Any]):
    """Writes to what is the standard error at that moment, like our own events."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one event."""
        self.stream = sys.stderr
        super().emit(record)


class _JsonLines(logging.Formatter):
    """Writes the libraries' events like ours."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON line. With an exception, the message's values are left out too."""
        failure = record.exc_info[1] if record.exc_info else None
        event: dict[str, Any] = {
            "event": record.getMessage() if failure is None else str(record.msg),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if failure is not None:
            event["error"] = type(failure).__name__
            event["where"] = where_raised(failure.__traceback__)
        return json.dumps(event, sort_keys=True, ensure_ascii=False)
