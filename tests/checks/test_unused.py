"""What is allowed to look unused is still there, and stands where it is said to."""

import ast

import pytest

from sesame.migrations.run import ROOT

ALLOWED = ROOT / "vulture_allowed.py"
PACKAGES = ("ledger", "cardsvc", "merchants", "reader_agent", "sesame")


def groups() -> dict[str, list[str]]:
    """The names of each group of the list."""
    found = {}
    for node in ast.parse(ALLOWED.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            found[node.targets[0].id] = [each.attr for each in node.value.elts]
    return found


def words(*endings: str) -> str:
    return "\n".join(
        path.read_text("utf-8")
        for package in PACKAGES
        for ending in endings
        for path in sorted((ROOT / package).rglob(f"*{ending}"))
        if "/vendor/" not in str(path)
    )


@pytest.fixture(scope="module")
def python() -> str:
    """All the sources' text."""
    return words(".py")


def test_every_allowed_name_is_still_in_the_sources(python):
    listed = [name for names in groups().values() for name in names]
    assert len(listed) > 40
    assert [name for name in listed if name not in python] == []
    assert len(listed) == len(set(listed))


def test_what_templates_show_is_in_a_template():
    templates = words(".html", ".svg")
    assert [name for name in groups()["_TEMPLATES"] if name not in templates] == []


def test_a_table_or_column_that_is_allowed_is_one_of_the_databases():
    models = words("model.py", "scheme.py")
    assert [name for name in groups()["_COLUMNS"] if name not in models] == []


def test_every_group_says_what_uses_it():
    lines = ALLOWED.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.startswith("_") and " = (" in line:
            assert lines[number - 1].startswith("# "), line
