"""The primary dies under load while its standby's receiver is frozen; the standby takes its place.

Frozen, because a receiver that keeps up loses nothing however it is set up, and would prove nothing. With
a synchronous standby no sale that was answered may be lost. With an asynchronous one some must be: else
the test wouldn't see a loss if there were one.
"""

import time
from datetime import UTC, datetime

import psycopg
import pytest

from tests.faults.house import kill_database, wait_until
from tests.faults.journal import Journal, read_journal
from tests.faults.referee import check_balances, check_sales, lost_sales
from tests.faults.standby import Standby
from tests.faults.tills import Tills

pytestmark = pytest.mark.xdist_group("faults")
TILLS = 8
BEFORE_THE_FREEZE = 100
WHILE_FROZEN = 100
AFTER_PROMOTION = 50
HANGING_SECONDS = 0.5


@pytest.fixture
def make_standby(house, tmp_path_factory):
    """Return a function that makes a standby of the house's database, which runs."""
    house.start_database()
    made = []

    def make(*, synchronous):
        folder = house.here.settings.data_dir / "standby"
        standby = Standby(house.here.server, folder, synchronous=synchronous)
        made.append(standby)
        standby.make()
        return standby

    yield make
    house.start_database()
    for standby in made:
        standby.remove()


def address_of_both(primary, standby):
    """Return the address that finds whichever of the two takes writes."""
    hosts = f"{primary.socket_dir},{standby.server.socket_dir}"
    return f"postgresql://sesame_app@/sesame?host={hosts}&target_session_attrs=read-write"


def let_hang(tills):
    """Return once every till has been waiting for half a second, and none was answered."""
    since = {"answered": -1, "moment": 0.0}

    def all_hang():
        if tills.waiting < TILLS or tills.sold() != since["answered"]:
            since.update(answered=tills.sold(), moment=time.monotonic())
        return time.monotonic() - since["moment"] > HANGING_SECONDS

    wait_until(all_hang, "all tills to hang")


@pytest.mark.parametrize("synchronous", [True, False], ids=["synchronous", "asynchronous"])
def test_a_standby_keeps_every_answered_sale_only_where_commits_wait_for_it(
    house, make_standby, tmp_path, capsys, synchronous
):
    standby = make_standby(synchronous=synchronous)
    primary = house.here.server
    file = tmp_path / "journal.jsonl"
    opened = datetime.now(UTC)
    with house.here.serving(SESAME_DATABASE_URL=address_of_both(primary, standby)) as web:
        journal = Journal(file)
        tills = Tills(house.region, web.port, journal, TILLS, seed=7)
        tills.start()
        try:
            wait_until(lambda: tills.sold() >= BEFORE_THE_FREEZE, "sales")
            standby.freeze_receiver()
            frozen, answered = time.monotonic(), tills.answered
            if synchronous:
                let_hang(tills)
            else:
                wait_until(lambda: tills.sold() >= answered + WHILE_FROZEN, "sales")
            killed = kill_database(primary, lambda: tills.waiting > 0)
            told = read_journal(file)
            standby.promote_without_the_receiver()
            with psycopg.connect(standby.server.url("postgres")) as connection:
                lost = lost_sales(told, connection, opened)
            answered = tills.answered
            wait_until(lambda: tills.sold() >= answered + AFTER_PROMOTION, "sales again")
        finally:
            tills.stop()
            journal.close()
    with capsys.disabled():
        moneyed = sum(any(a["approved_cents"] for a in t.answers) for t in told.sales.values())
        print(
            f"\n{'synchronous' if synchronous else 'asynchronous'}: {moneyed} sales answered with "
            f"money before the kill, {len(lost)} lost; {len(told.in_flight(killed))} hung at it, "
            f"{killed - frozen:.1f} s after the freeze"
        )
    assert len(told.in_flight(killed)) > 0
    if not synchronous:
        assert lost
        return
    assert lost == []
    with psycopg.connect(standby.server.url("postgres")) as connection:
        check_sales(read_journal(file), connection, opened)
        check_balances(connection)
