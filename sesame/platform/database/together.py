"""Doing many callers' work in one go: who comes first leads, who comes meanwhile is taken along.

One round trip to the database and one commit on disk cost about as much for ten as for one. There is no
thread of its own and no waiting for company: a caller who finds nobody at work does its own right away,
and those who come in the meantime are the next round, led by the first of them.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Given = TypeVar("Given")


class RoundFailed(Exception):
    """The round that this was part of broke down; its leader raised what the cause names."""


class _Waiting(Generic[Asked, Given]):
    """One caller's question, and where it waits: until it has an outcome, or is to lead."""

    __slots__ = ("asked", "failure", "given", "latch", "leads", "traits")

    def __init__(self, asked: Asked, traits: Sequence[Hashable]) -> None:
        self.asked = asked
        self.traits = traits
        self.leads = False
        self.given: list[Given] = []
        self.failure: BaseException | None = None
        self.latch = threading.Lock()
        self.latch.acquire()


class Together(Generic[Asked, Given]):
    """Gathers what threads ask for at the same time. Shared by the threads of one process.

    do: answers a round's questions, in their order; what it raises is everybody's failure.
    traits: what no two questions of one round may have in common; the later one waits for the next.
    at_most: questions a round.
    """

    def __init__(
        self,
        do: Callable[[list[Asked]], Sequence[Given]],
        traits: Callable[[Asked], Sequence[Hashable]],
        *,
        at_most: int = 50,
    ) -> None:
        self._do = do
        self._traits = traits
        self._at_most = at_most
        self._busy = False
        self._queue: list[_Waiting[Asked, Given]] = []
        self._lock = threading.Lock()

    def ask(self, asked: Asked) -> Given:
        """Return what `do` gives for `asked`. Raises what it raised, or `RoundFailed` from it."""
        mine = _Waiting[Asked, Given](asked, self._traits(asked))
        with self._lock:
            self._queue.append(mine)
            mine.leads = not self._busy
            self._busy = True
        if not mine.leads:
            mine.latch.acquire()
        if mine.leads:
            self._lead()
        if mine.failure is not None:
            raise RoundFailed() from mine.failure
        return mine.given[0]

    def _lead(self) -> None:
        """Do one round, whose first question is the leader's own, and have the next one begin."""
        with self._lock:
            taken = self._take()
        try:
            for each, given in zip(taken, self._do([each.asked for each in taken]), strict=True):
                each.given.append(given)
        except BaseException as failure:
            for each in taken[1:]:
                each.failure = failure
            raise
        finally:
            with self._lock:
                self._busy = bool(self._queue)
                if self._queue:
                    self._queue[0].leads = True
                    self._queue[0].latch.release()
            for each in taken[1:]:
                each.latch.release()

    def _take(self) -> list[_Waiting[Asked, Given]]:
        taken: list[_Waiting[Asked, Given]] = []
        left: list[_Waiting[Asked, Given]] = []
        met: set[Hashable] = set()
        for each in self._queue:
            if len(taken) < self._at_most and met.isdisjoint(each.traits):
                taken.append(each)
                met.update(each.traits)
            else:
                left.append(each)
        self._queue = left
        return taken
