"""What Sésame installs may be used with it, and the page that says so is up to date."""

import importlib.util
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import pytest

PLACE = Path(__file__).with_name("licences.py")


@pytest.fixture(scope="module")
def licences():
    """The program that writes the page."""
    spec = importlib.util.spec_from_file_location("licences", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_dependency_has_a_licence_that_suits(licences):
    found = licences.runtime_distributions()
    assert {"sqlalchemy", "psycopg", "kombu", "pgmq", "cwt"} <= set(found)
    said = {name: licences.licences(each) for name, each in found.items()}
    assert {name: parts for name, parts in said.items() if "?" in "".join(parts)} == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("License-Expression", "AGPL-3.0-only"),
        ("License-Expression", "MIT AND SSPL-1.0"),
        ("Classifier", "License :: OSI Approved :: GNU Affero General Public License v3"),
        ("License", "Proprietary"),
        ("Summary", "says nothing of it"),
    ],
)
def test_a_licence_that_does_not_suit_would_be_seen(licences, field, value):
    metadata = Message()
    metadata["Name"] = "planted"
    metadata[field] = value
    assert any(
        each.startswith("?") for each in licences.licences(SimpleNamespace(metadata=metadata))
    )


def test_the_page_is_up_to_date(licences):
    assert licences.PAGE.read_text("utf-8") == licences.page()
