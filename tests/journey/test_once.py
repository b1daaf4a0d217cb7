"""`sesame demo --once`, whole, and killed on the way."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from lxml import etree

from sesame.platform.database.embedded import EmbeddedServer


@pytest.fixture
def folder():
    made = Path(tempfile.mkdtemp(prefix="sesame-once-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    EmbeddedServer(made / "once" / "installation" / "postgres").stop("immediate")
    shutil.rmtree(made)


def start(folder, port):
    return subprocess.Popen(
        [sys.executable, "-m", "sesame", "demo", "--once", "--port", str(port)],
        env=os.environ | {"SESAME_DATA_DIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill_everything(process, folder):
    """SIGKILL the whole tree at once, the database's postmaster too."""
    os.killpg(process.pid, signal.SIGKILL)
    pid_file = folder / "once" / "installation" / "postgres" / "data18" / "postmaster.pid"
    if pid_file.exists():
        with suppress(ProcessLookupError, IndexError, ValueError):
            os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGKILL)
    process.wait()
    process.stdout.close()


def in_flight(folder):
    """How many purchases were sent, perhaps, and never answered."""
    journal = folder / "once" / "journal.jsonl"
    if not journal.exists():
        return 0
    asked, answered = set(), set()
    for line in journal.read_bytes().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        (answered if "answer" in entry else asked).add(entry["key"])
    return len(asked - answered)


def sums_printed(output):
    """The figures of the printed table, in cents, by their source."""
    found = re.findall(r"^  (.+?)\s+([0-9 ]+,[0-9]{2}) €   (.+)$", output, re.MULTILINE)
    return {what.rstrip(): int(euros.replace(" ", "").replace(",", "")) for what, euros, _ in found}


def check_reconciled(output, folder, xsd):
    sums = sums_printed(output)
    approved = next(cents for what, cents in sums.items() if what.startswith("approved"))
    assert approved > 0
    assert sums["captured"] == sums["remitted"] == approved
    assert sums["still owed to shops"] == 0
    files = sorted((folder / "once" / "bank").glob("*.xml"))
    assert files
    total = 0
    for file in files:
        document = etree.parse(file)
        xsd.assertValid(document)
        amounts = document.xpath("//*[local-name()='InstdAmt']/text()")
        total += sum(int(amount.replace(".", "")) for amount in amounts)
    assert total == approved


@pytest.fixture
def xsd():
    beside = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
    real = Path(os.environ.get("SESAME_REAL_DATA", str(beside)))
    return etree.XMLSchema(etree.parse(real / "iso20022-xsd" / "pain.001.001.09.xsd"))


def test_the_journey_reconciles_after_kills_with_purchases_in_flight(folder, xsd, request):
    kills = 5 if request.config.getoption("--long") else 1
    rng = random.Random(20261124)
    port = 20_000 + os.getpid() % 20_000
    with_work_in_flight = 0
    for number in range(kills):
        process = start(folder, port)
        wait_for_sales(folder, process, at_least=5 + number * 20)
        time.sleep(rng.uniform(0, 0.3))
        kill_everything(process, folder)
        with_work_in_flight += in_flight(folder) > 0
    print(f"{kills} kills, {with_work_in_flight} with purchases in flight")
    assert with_work_in_flight >= 1
    process = start(folder, port)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    check_reconciled(output, folder, xsd)


def wait_for_sales(folder, process, at_least):
    """Wait until that many sales were asked for since the beginning."""
    journal = folder / "once" / "journal.jsonl"
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, f"ended before {at_least} sales"
        if journal.exists() and journal.read_bytes().count(b'"body"') >= at_least:
            return
        time.sleep(0.01)
    raise AssertionError("no sales within five minutes")
