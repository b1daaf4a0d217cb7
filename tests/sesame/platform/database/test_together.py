"""What threads ask for at the same time is done in one go."""

import threading

import psycopg
import pytest

from sesame.platform.database.array_text import array_text
from sesame.platform.database.together import RoundFailed, Together


class Desk:
    """Doubles numbers; the first round waits until it is let go."""

    def __init__(self, at_most=50, traits=lambda number: (number,)):
        self.rounds, self.go = [], threading.Event()
        self.together = Together(self.double, traits, at_most=at_most)
        self.given, self.failures = {}, {}

    def double(self, numbers):
        self.rounds.append(numbers)
        assert self.go.wait(20)
        if 13 in numbers:
            raise ValueError("thirteen")
        return [2 * number for number in numbers]

    def ask(self, place, number):
        try:
            self.given[place] = self.together.ask(number)
        except Exception as failure:
            self.failures[place] = failure

    def ask_at_once(self, *numbers):
        """Ask for the first, then for the others while it is being done."""
        running = []
        for place, number in enumerate(numbers):
            thread = threading.Thread(target=self.ask, args=(place, number))
            thread.start()
            running.append(thread)
            while not (self.rounds and len(self.together._queue) == place):
                assert thread.is_alive()
        self.go.set()
        for thread in running:
            thread.join()


def test_who_comes_alone_is_done_at_once():
    desk = Desk()
    desk.go.set()
    assert [desk.together.ask(number) for number in (1, 2)] == [2, 4]
    assert desk.rounds == [[1], [2]]


def test_those_who_come_meanwhile_are_the_next_round_and_each_gets_its_own():
    desk = Desk()
    desk.ask_at_once(1, 2, 3, 4)
    assert desk.rounds == [[1], [2, 3, 4]]
    assert desk.given == {0: 2, 1: 4, 2: 6, 3: 8}


def test_a_round_is_no_larger_than_it_may_be():
    desk = Desk(at_most=2)
    desk.ask_at_once(1, 2, 3, 4, 5, 6)
    assert desk.rounds == [[1], [2, 3], [4, 5], [6]]
    assert desk.given == {place: 2 * (place + 1) for place in range(6)}


def test_two_that_share_a_trait_are_in_two_rounds_and_hold_up_no_other():
    desk = Desk(traits=lambda number: (number % 10,))
    desk.ask_at_once(1, 2, 12, 3, 22)
    assert desk.rounds == [[1], [2, 3], [12], [22]]
    assert desk.given == {0: 2, 1: 4, 2: 24, 3: 6, 4: 44}


def test_a_round_that_breaks_tells_each_of_its_own_and_the_next_one_goes_on():
    desk = Desk(at_most=3)
    desk.ask_at_once(1, 2, 13, 3, 4)
    assert desk.rounds == [[1], [2, 13, 3], [4]]
    assert desk.given == {0: 2, 4: 8}
    # The leader raises what happened; the others, an error of their own that names it.
    assert type(desk.failures[1]) is ValueError
    for place in (2, 3):
        assert type(desk.failures[place]) is RoundFailed
        assert desk.failures[place].__cause__ is desk.failures[1]
    assert desk.together.ask(7) == 14


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], "text[]"),
        ([1, 2**60, -3], "bigint[]"),
        (["a", "", "NULL", 'with "quotes"', "back\\slash", "{,}", "é ", None], "text[]"),
        ([b"", b"\x00\xff\\", None], "bytea[]"),
    ],
)
def test_the_server_reads_an_arrays_text_as_what_it_was(test_database, values, kind):
    with psycopg.connect(test_database.url()) as connection:
        (read,) = connection.execute(f"SELECT %s::{kind}", [array_text(values)]).fetchone()
    assert read == values
