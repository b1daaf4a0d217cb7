"""One durable installation for all faults: people with phones, shops with tills."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bench.installation import new_installation
from bench.region import settle_region
from tests.faults.house import House

PEOPLE, SHOPS = 300, 8


@pytest.fixture(scope="package")
def house() -> Iterator[House]:
    """A settled installation on the embedded database as it is anywhere: fsync on, TCP closed."""
    with new_installation() as here:
        region = settle_region(here.database, here.settings, datetime.now(UTC), PEOPLE, SHOPS)
        here.database.dispose()
        yield House(here, region)
