"""`sesame-reader run` as a process of its own, stopped as a shop stops it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reader_agent.enrolment import enrol


def test_a_running_agent_sells_and_stops_on_ctrl_c(
    card_server: Any, home: Path, code: str, show_qr: Callable[..., str]
) -> None:
    enrol(home, card_server.url, code)
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "reader_agent", "run", "--simulated"),
            *("--port", "0", "--json", "--home", str(home)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONUTF8": "1"},
    ) as agent:
        try:
            assert agent.stdout is not None
            started = json.loads(agent.stdout.readline())
            token = Path(started["token_file"]).read_text()
            connection = HTTPConnection(urlsplit(started["url"]).netloc, timeout=10)
            asked = {"amount_cents": 1240, "category": "books", "qr": show_qr()}
            connection.request(
                "POST", "/sale", json.dumps(asked), {"Authorization": f"Bearer {token}"}
            )
            answer = json.loads(connection.getresponse().read())
            connection.close()
            assert answer["outcome"] == "approved"
            assert len(card_server.booked) == 1
        finally:
            agent.send_signal(signal.SIGINT)
        output, errors = agent.communicate(timeout=20)
    assert (output, errors) == (b"", b"")
    assert agent.returncode == 0
