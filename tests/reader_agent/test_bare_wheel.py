"""The wheel in a bare environment: the agent works, and nothing of the server is there."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
SERVER_ONLY = ["sqlalchemy", "psycopg", "celery", "flask", "marshmallow", "granian", "smartcard"]


def uv(*arguments: str | Path) -> None:
    """Run uv; without a network, from what it has in its cache."""
    beside_python = str(Path(sys.executable).parent)
    program = shutil.which("uv", path=os.pathsep.join((beside_python, os.environ["PATH"])))
    assert program is not None, "uv is needed to build and install the wheel"
    command = [program, *map(str, arguments)]
    online = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=False)
    if online.returncode:
        offline = subprocess.run(
            [*command, "--offline"], capture_output=True, text=True, cwd=CHECKOUT, check=False
        )
        assert offline.returncode == 0, online.stderr + offline.stderr


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with the wheel and its base dependencies."""
    folder = tmp_path_factory.mktemp("bare")
    uv("build", "--wheel", "--out-dir", folder / "dist", CHECKOUT)
    [wheel] = (folder / "dist").glob("sesame-*.whl")
    uv("venv", "--python", sys.executable, folder / "venv")
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    uv("pip", "install", "--python", programs / "python", wheel)
    return programs


@pytest.fixture
def run(programs: Path, home: Path, tmp_path: Path) -> Callable[..., Any]:
    """Run a program of the bare environment, from a folder where no source lies."""

    def start(program: str, *arguments: str, stdin: str = "") -> Any:
        return subprocess.run(
            [str(programs / program), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=tmp_path,
            env={"SESAME_READER_HOME": str(home), "PYTHONUTF8": "1", "PATH": os.environ["PATH"]},
            timeout=60,
            check=False,
        )

    return start


def test_nothing_of_the_server_is_installed(run: Callable[..., Any]) -> None:
    tried = "import importlib.util as u, json; print(json.dumps([n for n in %r if u.find_spec(n)]))"
    assert json.loads(run("python", "-c", tried % SERVER_ONLY).stdout) == []


def test_the_agent_helps(run: Callable[..., Any]) -> None:
    result = run("sesame-reader", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    for command in ("enrol", "sale", "run", "check"):
        assert command in result.stdout


def test_the_agent_enrols_sells_and_checks(
    run: Callable[..., Any], card_server: Any, code: str, show_qr: Callable[..., str]
) -> None:
    enrolled = run("sesame-reader", "enrol", "--server", card_server.url, "--code", code)
    assert (enrolled.returncode, enrolled.stderr) == (0, "")
    sold = run("sesame-reader", "sale", "--amount", "12,40", stdin=show_qr() + "\n")
    assert (sold.returncode, sold.stderr) == (0, "")
    assert "ACCEPTÉ" in sold.stdout
    [booked] = card_server.booked.values()
    assert booked["approved_cents"] == 1240
    checked = run("sesame-reader", "check")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_verifying_never_loads_the_signing_library(run: Callable[..., Any]) -> None:
    loaded = "import sys, reader_agent.cli; print('cwt' in sys.modules)"
    assert run("python", "-c", loaded).stdout == "False\n"
