"""Regions written once for the tests of this folder."""

import os
from pathlib import Path

import pytest

from sesame.demo.region.generate import Region, generate

CHECKOUT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """The invented region with the seed that the demonstration uses."""
    return generate(tmp_path_factory.mktemp("region"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of official files; tests that need it fail where it is missing."""
    folder = Path(os.environ.get("SESAME_REAL_DATA", CHECKOUT.parent / "shared" / "data"))
    assert folder.is_dir(), "SESAME_REAL_DATA must name the folder of official files"
    return folder


@pytest.fixture(scope="session")
def official_region(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Region:
    """The region built on the official files."""
    return generate(tmp_path_factory.mktemp("official"), data=real_data)
