"""Random histories of the ledger, from several connections at once, against the plain book."""

import time
import traceback
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations
from threading import Barrier
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from ledger.accounts import create_share_plan, open_account
from ledger.sealing import seal
from sesame.platform.database import Database
from sesame.platform.ids import first_uuid7
from sesame.platform.problems import SesameError
from tests.ledger.model.action import GROUPS, TICKETS, Action, World, actions
from tests.ledger.model.book import Account, Book
from tests.ledger.model.choosing import choose
from tests.ledger.model.referee import Referee, match

FIRST_YEAR = 2026
HANDS = 3
LOOK_AGAIN_SECONDS = 0.004
FULL_CHECK_EVERY = 100
SEAL_EVERY = 40
STUCK_AFTER_SECONDS = 20


@st.composite
def steps(draw: st.DrawFn) -> tuple[int, int, tuple[Action, ...]]:
    """How (by one hand, by several, left open), how many hours after the last, and what is done."""
    how = draw(st.integers(0, 15))
    many = max(1, how - 12)
    return how, draw(st.integers(0, 30)), tuple(draw(actions) for _ in range(many))


@dataclass
class Outcome:
    """What the ledger answered: a reason's code, or what it gave."""

    code: str | None
    result: Any = None


Told = tuple[Action, Any, Outcome]


class Hand:
    """One connection of the application, and the transaction that may be open on it."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(
            url.replace("postgresql://", "postgresql+psycopg://", 1),
            pool_size=1,
            max_overflow=0,
            pool_reset_on_return=None,
            connect_args={"prepare_threshold": 1, "options": "-c timezone=UTC"},
        )
        self.session = Session(self.engine)
        self.pid = self.session.connection().connection.driver_connection.info.backend_pid
        self.session.rollback()

    def ask(self, request: Any) -> Outcome:
        """Run a request in this hand's transaction and leave that open where it was accepted."""
        try:
            return Outcome(None, request.run(self.session))
        except SesameError as refused:
            self.session.rollback()
            return Outcome(refused.reason.code)
        except BaseException:
            self.session.rollback()
            raise

    def ask_and_commit(self, request: Any, together: Barrier | None = None) -> Outcome:
        if together is not None:
            together.wait(STUCK_AFTER_SECONDS)
        outcome = self.ask(request)
        self.session.commit()
        return outcome

    def close(self) -> None:
        self.session.close()
        self.engine.dispose()


class Campaign:
    """One database, its connections, and what was asked there in one history after the other."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.hands = [Hand(database.url()) for _ in range(HANDS)]
        self.threads = ThreadPoolExecutor(HANDS)
        self.referee = Referee(
            psycopg.connect(database.url("postgres"), autocommit=True), UUID(int=0)
        )
        self.application = Database(database.url(), pool_size=1)
        self.year = FIRST_YEAR
        self.asked: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.first_failure = ""

    def close(self) -> None:
        for hand in self.hands:
            hand.close()
        self.application.dispose()
        self.threads.shutdown()
        self.referee.connection.close()


class LedgerMachine(RuleBasedStateMachine):
    """One history, with accounts and years of its own, in the database of its campaign."""

    campaign: ClassVar[Campaign]

    def __init__(self) -> None:
        super().__init__()
        self.failed = False
        self.count = 0
        self.told: list[list[Told]] = []
        self.held: tuple[Hand, Told, bool] | None = None
        self.hands, self.threads = self.campaign.hands, self.campaign.threads
        self.referee = self.campaign.referee
        self.book = Book()

    @initialize(weights=st.lists(st.integers(1, 97), min_size=5, max_size=5))
    def open_the_books(self, weights: list[int]) -> None:
        """Accounts, three share plans (of one, two and three funders), money in the envelopes."""
        # Closings only ever go on: each history begins after the last one's end.
        now = datetime(self.campaign.year, 1, 5, 9, 0, tzinfo=UTC)
        session, self.referee.since = self.hands[0].session, first_uuid7(now)

        def opened(kind: str, *, guarded: bool = False, floor: int = 0, asset: str = "EUR"):
            account = open_account(
                session, kind=kind, guarded=guarded, floor=floor, asset=asset, at=now
            )
            self.book.open(Account(account, kind, asset, guarded=guarded, floor=floor))
            return account

        envelopes = [opened("envelope", guarded=True, floor=floor) for floor in (0, 0, -5_000)]
        plans = [
            ((envelopes[0], weights[0]),),
            ((envelopes[0], weights[1]), (envelopes[1], weights[2])),
            tuple(zip(reversed(envelopes), weights[2:], strict=True)),
        ]
        assets = [f"{kind}_{now.year}" for kind in TICKETS]
        self.world = World(
            now=now,
            season=now.year,
            funding=opened("funding"),
            envelopes=envelopes,
            payables=[opened("payable") for _ in range(3)],
            in_transit=opened("in_transit"),
            paid=opened("paid"),
            issued={asset: opened("issued", asset=asset) for asset in assets},
            used={asset: opened("used", asset=asset) for asset in assets},
            plans=[(create_share_plan(session, plan, at=now), plan) for plan in plans],
        )
        session.commit()
        for pick in range(len(envelopes)):
            self.alone(Action("fund", 0, pick, 0, 63, 0))

    @rule(step=steps())
    def step(self, step: tuple[int, int, tuple[Action, ...]]) -> None:
        """One step: by one hand, by several at once, or by one that leaves its transaction open."""
        how, hours, doing = step
        self.world.now += timedelta(hours=hours if hours > 10 else 0, minutes=1)
        try:
            if how >= 14:
                self.together(doing)
            elif how == 13 and self.held is None:
                self.leave_open(doing[0], commit=hours % 3 != 0)
            else:
                self.alone(doing[0])
            self.count += 1
            if hours % 3 == 0:
                self.finish_held()
            if self.count % SEAL_EVERY == 0:
                # Whatever is open: it waits for nobody, and takes up later what commits later.
                seal(self.campaign.application, at=self.world.now)
            if self.count % FULL_CHECK_EVERY == 0:
                self.check_all()
        except BaseException:
            self.failed = True
            # Where a race decided, playing it again may end otherwise: keep what was seen first.
            told = "\n".join(map(str, self.told[-6:]))
            self.campaign.first_failure = self.campaign.first_failure or (
                f"step {self.count}: {step}\n{told}\n{traceback.format_exc()}"
            )
            raise

    def alone(self, action: Action) -> None:
        """One request; where another transaction is open it may have to wait for that one's end."""
        request = choose(action, self.book, self.world)
        before = []
        if self.held is None:
            outcome = self.hands[action.hand].ask_and_commit(request)
        else:
            hand = next(each for each in self.hands if each is not self.held[0])
            asking = self.threads.submit(hand.ask_and_commit, request)
            if self.waits_for_held(asking, hand):
                before = self.end_held()
            outcome = asking.result(STUCK_AFTER_SECONDS)
        self.judge([*before, (action, request, outcome)], in_order=True)

    def waits_for_held(self, asking: Future, hand: Hand) -> bool:
        """Whether the open transaction stands in the way of this one."""
        until = time.monotonic() + STUCK_AFTER_SECONDS
        while time.monotonic() < until:
            with suppress(TimeoutError):
                asking.result(LOOK_AGAIN_SECONDS)
                return False
            if asking.done():
                return False
            blockers = self.referee.connection.execute(
                "SELECT pg_blocking_pids(%s)", [hand.pid], prepare=True
            ).fetchone()[0]
            if blockers:
                return True
        raise AssertionError("a request neither ends nor waits for anybody")

    def leave_open(self, action: Action, *, commit: bool) -> None:
        """A request whose transaction stays open over steps to come, then is kept or given up."""
        request = choose(action, self.book, self.world)
        outcome = self.hands[action.hand].ask(request)
        if outcome.code is None:
            codes = request.judge(self.book)
            assert not codes, f"{request} was accepted against {codes}"
            self.held = (self.hands[action.hand], (action, request, outcome), commit)
        else:
            self.judge([(action, request, outcome)])

    def end_held(self) -> list[Told]:
        """End the open transaction, as was drawn when it began; give what came true by that."""
        assert self.held is not None
        (hand, told, commit), self.held = self.held, None
        if commit:
            hand.session.commit()
            return [told]
        hand.session.rollback()
        return []

    def finish_held(self) -> None:
        """End the open transaction, where there is one, and judge what came true."""
        if self.held is not None:
            self.judge(self.end_held(), in_order=True)

    def together(self, doing: tuple[Action, ...]) -> None:
        """Several requests that start at once: as if they had come in some order."""
        self.finish_held()
        told = [(action, choose(action, self.book, self.world)) for action in doing]
        barrier = Barrier(len(told))
        futures = [
            self.threads.submit(hand.ask_and_commit, request, barrier)
            for hand, (_, request) in zip(self.hands, told, strict=False)
        ]
        self.judge(
            [
                (*each, future.result(STUCK_AFTER_SECONDS))
                for each, future in zip(told, futures, strict=True)
            ]
        )

    def judge(self, told: list[Told], *, in_order: bool = False) -> None:
        """Find the order in which these requests can have given these outcomes, and take it over."""
        self.told.append(told)
        candidates, objections = [], []
        for order in [told] if in_order else permutations(told):
            trial = self.book.fork()
            objection = next(
                (why for _, request, outcome in order
                 if (why := disagreement(trial, request, outcome))), "",
            )  # fmt: skip
            if objection:
                objections.append(objection)
            else:
                candidates.append(trial)
        assert candidates, "\n".join(objections)
        asked = [request for _, request, _ in told]
        since = min((request.at for request in asked), default=self.world.now)
        self.take_over(candidates, since, {each for request in asked for each in request.touches})
        for action, _, outcome in told:
            self.campaign.asked[GROUPS[action.kind]] += 1
            self.campaign.accepted[GROUPS[action.kind]] += outcome.code is None

    def take_over(self, candidates: list[Book], since: datetime, touched: set) -> None:
        """Take over the first of these books that the rows agree with."""
        rows = self.referee.new_rows(self.book, since)
        objections = []
        for book in candidates:
            objection = self.referee.objection(book, rows, touched, self.world.now)
            if not objection:
                book.lines.update(match(book, rows))
                book.fresh.clear()
                self.book = book
                return
            objections.append(objection)
        raise AssertionError("\n".join(objections))

    def check_all(self) -> None:
        """All rows against the whole book."""
        self.finish_held()
        self.referee.check_all(self.book, self.world.now)

    def teardown(self) -> None:
        try:
            if not self.failed and self.book.lines:
                self.check_all()
        finally:
            for hand in self.hands:
                hand.session.rollback()
            if self.book.lines:
                self.campaign.year = self.world.now.year + 1


def disagreement(book: Book, request: Any, outcome: Outcome) -> str:
    """What the book says against this outcome; where nothing, the request is applied to it."""
    codes = request.judge(book)
    if codes:
        return "" if outcome.code in codes else f"{outcome} instead of {codes}: {request}"
    if outcome.code is not None:
        return f"{outcome} instead of acceptance: {request}"
    expected = request.apply(book)
    if isinstance(expected, list):
        fits = len(expected) == len(outcome.result) and all(
            given in may for given, may in zip(outcome.result, expected, strict=True)
        )
    else:
        fits = expected is None or expected == outcome.result
    return "" if fits else f"{outcome} instead of {expected}: {request}"
