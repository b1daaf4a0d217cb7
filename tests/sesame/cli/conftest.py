"""`sesame` as somebody types it, with a data folder of the test's."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from sesame.cli import main
from sesame.platform.command import process

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def sesame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs `sesame` with arguments, settings and standard input.

    The whole program from its entry to its exit status, in this process: a new one for each would be
    five times slower. tests/sesame/platform/jobs has real ones.
    """

    def run(*arguments: object, stdin: str = "", **settings: str):
        with monkeypatch.context() as changed:
            for name in os.environ:
                if name.startswith("SESAME_"):
                    changed.delenv(name)
            given = {"SESAME_DATA_DIR": str(tmp_path / "house"), "LC_ALL": "C.UTF-8", **settings}
            for name, value in given.items():
                changed.setenv(name, value)
            changed.setattr(sys, "argv", ["sesame", *map(str, arguments)])
            process.cache_clear()
            with CliRunner().isolation(input=stdin) as (out, err, _both):
                with pytest.raises(SystemExit) as left:
                    main()
                sys.stdout.flush()
                sys.stderr.flush()
                said = out.getvalue().decode(), err.getvalue().decode()
            if process.cache_info().currsize:
                process().database.dispose()
            process.cache_clear()
            structlog.reset_defaults()
        return subprocess.CompletedProcess(arguments, int(left.value.code or 0), *said)

    return run


@pytest.fixture
def on_database(sesame: Run, settings, scheme) -> Run:
    """Return the same on the test's own database, which has a scheme."""

    def run(*arguments: object, **more: str):
        return sesame(
            *arguments,
            **{
                "SESAME_DATABASE_URL": settings.database_url,
                "SESAME_DATABASE_OWNER_URL": settings.database_owner_url,
                **more,
            },
        )

    return run
