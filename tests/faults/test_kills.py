"""The database, a web worker, a job worker: killed by SIGKILL under load, again and again.

A kill counts where requests were in flight and at least one of them was left without an answer (of a
job worker: where at least one job was cut short). What the tills did next is what a till does: ask again with the
same key. In the end every answer they ever got must be in the books, once.
"""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.faults.conftest import PEOPLE
from tests.faults.house import (
    Registrar,
    RunningJobs,
    WebWorkers,
    Workers,
    kill_all,
    kill_database,
    wait_until,
)
from tests.faults.journal import Account, Journal, read_journal
from tests.faults.referee import check_balances, check_grants, check_sales, check_seal, unsealed
from tests.faults.tills import Tills

pytestmark = pytest.mark.xdist_group("faults")
TILLS = 8
SHORT = {"database": 4, "web": 2, "worker": 2}
# Of a hundred kills in the long form: the cheapest to come back from most often.
SHARES = {"database": 60, "web": 25, "worker": 15}
ANSWERS_BETWEEN_KILLS = 5
# What waits for its next attempt, or for the sweeper to tell of it again, doesn't wait any longer.
HURRY = """
    UPDATE platform.job SET due_at = created_at, announced_at = NULL
     WHERE id IN (SELECT id FROM platform.job
                   WHERE state = 'waiting'
                     AND (due_at > now() OR announced_at < now() - interval '1 second')
                     FOR UPDATE SKIP LOCKED)
"""
# So many tills at least must be waiting for an answer when the database or a web worker is killed.
IN_FLIGHT = 3


@dataclass
class Kill:
    """One kill: when, of what, and how many jobs it cut short."""

    kind: str
    moment: float
    jobs_cut_short: int = 0


def test_sales_and_grants_come_through_kills_exactly_once(house, tmp_path, request, capsys):
    wanted = _shares(request.config.getoption("--kills"))
    file = tmp_path / "journal.jsonl"
    opened, began = datetime.now(UTC), time.monotonic()
    with house.here.serving() as web:
        campaign = Campaign(house, web, Journal(file))
        kills = campaign.run(wanted)
        restarted = campaign.workers_that_left
    minutes = (time.monotonic() - began) / 60
    account = read_journal(file)
    with house.connect() as connection:
        check_sales(account, connection, opened)
        check_balances(connection)
        check_grants(campaign.registrar.registered, connection)
        check_seal(connection)
    counted, unknown = _count(kills, account)
    twins = sum(account.twins(kill.moment) for kill in kills)
    with capsys.disabled():
        print(
            f"\n{len(kills)} kills in {minutes:.1f} min ({len(kills) / minutes:.0f} a minute): "
            f"{sum(counted.values())} counted, {unknown} outcomes unknown to the tills, "
            f"{twins} sales in flight twice at a kill"
        )
        for kind in SHORT:
            made = sum(kill.kind == kind for kill in kills)
            print(f"  {kind}: {made} kills, {counted[kind]} counted")
        print(
            f"  {len(account.sales)} sales, {len(account.attempts)} attempts, "
            f"{sum(bool(t.answers[0]['approved_cents']) for t in account.sales.values())} with money; "
            f"{len(campaign.registrar.registered)} people granted, "
            f"{sum(kill.jobs_cut_short for kill in kills)} jobs cut short; "
            f"the job worker left by itself {restarted} times"
        )
    assert all(counted.values())
    assert sum(counted.values()) >= 0.75 * len(kills)
    assert unknown >= sum(counted[kind] for kind in ("database", "web"))


class Campaign:
    """The kills, one after another, each when there is something to cut short."""

    def __init__(self, house, web, journal):
        self.house, self.journal = house, journal
        self.tills = Tills(house.region, web.port, journal, TILLS, seed=20261125)
        self.registrar = Registrar(house.here, first=PEOPLE, every_seconds=0.1)
        self.jobs = RunningJobs(house.here)
        self.web_workers = WebWorkers(web)
        self.workers = Workers(house.here)
        self.workers_that_left = 0
        self.rng = random.Random(20261125)

    def run(self, wanted):
        """Kill as often as wanted, by kind; return the kills once all work is done."""
        self.workers.start()
        try:
            kills = self._kill_under_load(wanted)
            wait_until(self._all_is_done, "the end of the jobs, and the seal")
        finally:
            self.workers.kill()
            self.jobs.close()
            self.journal.close()
        return kills

    def _kill_under_load(self, wanted):
        self.tills.start()
        self.registrar.start()
        kills = []
        left = dict(wanted)
        try:
            while any(left.values()):
                self._let_sell()
                kind = self._next(left, wanted)
                kills.append(getattr(self, f"_kill_{kind}")())
                left[kind] -= 1
            self._let_sell()
            self._kill_a_web_worker_and_its_successor()
            self._let_sell()
        finally:
            self.registrar.stop()
            self.tills.stop()
        return kills

    def _next(self, left, wanted):
        """Return what to kill next: of what can be cut short now, the kind that lags most."""
        ready = []

        def some_are_ready():
            self._goes_on()
            ready[:] = [
                kind for kind in left if left[kind] and getattr(self, f"_{kind}_is_ready")()
            ]
            return len(ready) > 0

        wait_until(some_are_ready, "something to kill")
        return max(ready, key=lambda kind: left[kind] / wanted[kind])

    def _let_sell(self):
        """Sell some between two kills, that each has something of its own to cut short."""
        enough = self.tills.answered + ANSWERS_BETWEEN_KILLS
        wait_until(lambda: self._goes_on() and self.tills.answered >= enough, "sales", 240)

    def _goes_on(self):
        self.tills.check()
        self.web_workers.look()
        self.workers_that_left += self.workers.started_again_if_it_left()
        return True

    def _database_is_ready(self):
        return True

    def _web_is_ready(self):
        return len(self.web_workers.settled()) > 0

    def _worker_is_ready(self):
        return self.jobs.count() > 0

    def _several_wait(self):
        return self.tills.waiting >= IN_FLIGHT

    def _kill_database(self):
        moment = kill_database(self.house.here.server, self._several_wait)
        self.house.start_database()
        return Kill("database", moment)

    def _kill_web(self):
        one = self.rng.choice(self.web_workers.settled())
        return Kill("web", kill_all([one], self._several_wait))

    def _kill_a_web_worker_and_its_successor(self):
        """Kill one twice in a row: Granian takes it for a program that can't run, and ends them all."""
        before = self.web_workers.living()
        kill_all(before[:1])
        wait_until(lambda: set(self.web_workers.living()) - set(before), "the successor")
        kill_all(sorted(set(self.web_workers.living()) - set(before)))
        wait_until(lambda: not set(self.web_workers.living()) & set(before), "their end")

    def _kill_worker(self):
        moment = time.monotonic()
        self.workers.kill()
        cut_short = self.jobs.cut_short()
        self.workers.start()
        return Kill("worker", moment, cut_short)

    def _all_is_done(self):
        """Look for jobs that haven't ended, as if every wait for another attempt were over, and for
        transfers that aren't sealed yet.
        """
        self._goes_on()
        with self.house.connect() as connection:
            connection.execute(HURRY)
            waiting = "SELECT count(*) FROM platform.job WHERE state = 'waiting'"
            jobs = connection.execute(waiting).fetchone()
            return jobs == (0,) and unsealed(connection) == 0


def _shares(asked):
    """Return how many kills of each kind: a dozen unless asked for more."""
    if asked is None:
        return SHORT
    shares = {kind: asked * percent // 100 for kind, percent in SHARES.items()}
    return shares | {"database": asked - shares["web"] - shares["worker"]}


def _count(kills, account: Account):
    """Return the kills that count, by kind, and how many attempts never came back in all."""
    counted = dict.fromkeys(SHORT, 0)
    for kill in kills:
        cut = [each for each in account.in_flight(kill.moment) if each.is_unknown]
        counted[kill.kind] += bool(kill.jobs_cut_short if kill.kind == "worker" else cut)
    return counted, sum(each.is_unknown for each in account.attempts)
