"""What the platform's tests share."""

import json
import logging

import pytest
import structlog

from sesame.platform.log import set_up_logs


@pytest.fixture
def written(capsys):
    """Return a function that reads the lines written since, each as JSON."""
    set_up_logs("info")
    structlog.contextvars.clear_contextvars()
    capsys.readouterr()

    def lines() -> list[dict]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield lines
    logging.basicConfig(force=True)
    structlog.reset_defaults()
