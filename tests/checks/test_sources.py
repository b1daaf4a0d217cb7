"""What no file of the project may hold, and how long one may be."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sesame.migrations.run import ROOT

LONGEST = 500
OURS = {".py", ".sql", ".html", ".js", ".css", ".md", ".toml", ".yaml", ".cfg", ".sh", ".svg", ""}
# A lock file, catalogues and what others wrote are as long as they are.
NOT_OURS = ("requirements.lock", "messages.po", "/vendor/", "LICENSE", "bench/results.json")
HOSTS = re.compile(
    r"\b(?:files\.pythonhosted|pypi|registry\.npmjs|registry\.yarnpkg|crates|proxy\.golang|deb\.debian)"
    r"\.(?:org|io|com)\b|\bindex-url\b"
)
# A path that only one machine has. Built from parts, so that this file doesn't hold it.
MACHINE = re.compile(
    r"(?<![\w.])/(?:" + "|".join(["work", "root", "home/[a-z]+/[a-z]"]) + r")(?:/|\b)"
)
CLOCK = re.compile(r"\bdatetime\.(?:now|utcnow|today)\(|\bdate\.today\(|\btime\.time\(")
# Where the time comes from, and programs that stand outside: the agent in a shop, the measurements.
MAY_READ_THE_CLOCK = ("sesame/platform/clock.py", "reader_agent/", "sesame/demo/", "bench/")


def sources() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file that is, or is about to be, in the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        path = ROOT / name
        if (
            path.is_file()
            and path.suffix in OURS
            and not any(part in f"/{name}" for part in NOT_OURS)
        ):
            yield name, path.read_text("utf-8")


def holding(pattern: re.Pattern[str], only: str = "") -> list[str]:
    return [
        f"{name}:{number}"
        for name, text in sources()
        if name.endswith(only) and not name.startswith("tests/checks/")
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_file_is_too_long_to_read_at_once():
    lengths = {name: text.count("\n") for name, text in sources()}
    assert len(lengths) > 200
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_no_file_names_a_package_registrys_host():
    assert holding(HOSTS) == []


def test_no_file_names_a_folder_of_one_machine():
    assert holding(MACHINE) == []


def test_only_the_clock_reads_the_clock():
    reading = [
        place
        for place in holding(CLOCK, only=".py")
        if not place.startswith(("tests/", "assets/", *MAY_READ_THE_CLOCK))
    ]
    assert reading == []


def test_celery_never_runs_a_task_in_the_process_that_asks():
    assert holding(re.compile("always" + "_eager")) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (HOSTS, "see https://" + "pypi" + ".org/project/x"),
        (MACHINE, "open('/" + "work/x')"),
        (MACHINE, "/home/" + "someone/x"),
        (CLOCK, "at = datetime" + ".now(UTC)"),
    ],
)
def test_what_is_looked_for_would_be_found(pattern, line):
    assert pattern.search(line)


def test_what_only_looks_alike_is_left_alone():
    for line in ("frame" + "work/x", "'./work/x'", "python -m sesame", "the /workshop"):
        assert MACHINE.search(line) is None, line


def test_every_folder_of_tests_mirrors_a_folder_of_the_sources():
    """`tests/merchants/purchases` stands for `merchants/purchases`; a few are about the whole."""
    about_all = {"checks", "journey", "faults", "packaging"}
    for folder in sorted(path.parent for path in (ROOT / "tests").rglob("test_*.py")):
        inside = folder.relative_to(ROOT / "tests")
        if inside.parts and inside.parts[0] not in about_all:
            place = Path(ROOT / inside)
            assert place.is_dir() or place.with_suffix(".py").is_file(), str(inside)
