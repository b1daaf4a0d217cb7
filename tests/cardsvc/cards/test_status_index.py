"""Places in the status list: one to one, dense by block, in an order that tells nothing."""

from itertools import pairwise

from cardsvc.cards.status_index import BLOCK, status_index

KEY = bytes(range(32))


def test_no_two_numbers_share_a_place_and_none_leaves_its_block():
    # The last 2,000 numbers of one block and the first 2,000 of the next.
    numbers = range(BLOCK - 2000, BLOCK + 2000)
    places = [status_index(KEY, number) for number in numbers]
    assert len(set(places)) == len(places)
    assert all(place < BLOCK for place in places[:2000])
    assert all(BLOCK <= place < 2 * BLOCK for place in places[2000:])


def test_consecutive_numbers_do_not_lie_near_each_other():
    places = [status_index(KEY, number) for number in range(2000)]
    gaps = [abs(one - other) for one, other in pairwise(places)]
    # Of two places drawn at random, the gap is a third of the block on average, and is under 1 % of
    # the block twice in a hundred.
    assert BLOCK * 0.30 < sum(gaps) / len(gaps) < BLOCK * 0.37
    assert sum(gap < BLOCK // 100 for gap in gaps) < 2000 * 0.04
    rises = sum(one < other for one, other in pairwise(places))
    assert 900 < rises < 1100


def test_another_block_and_another_key_are_shuffled_otherwise():
    here = [status_index(KEY, number) for number in range(100)]
    next_block = [status_index(KEY, BLOCK + number) - BLOCK for number in range(100)]
    other_key = [status_index(bytes(32), number) for number in range(100)]
    assert sum(one == other for one, other in zip(here, next_block, strict=True)) < 3
    assert sum(one == other for one, other in zip(here, other_key, strict=True)) < 3
