"""The simulated reader gives what is presented, as it is."""

import pytest

from reader_agent.readers import NothingPresented
from reader_agent.readers.simulated import SimulatedReader


@pytest.mark.parametrize(
    ("presented", "read"),
    [
        ("SES1:ABC", "SES1:ABC"),
        ("SES1:ABC\r\n", "SES1:ABC"),
        # A space belongs to the alphabet of a QR and may end one.
        ("SES1:AB \n", "SES1:AB "),
        (" SES1:AB", " SES1:AB"),
    ],
)
def test_only_line_ends_are_removed(presented: str, read: str) -> None:
    reader = SimulatedReader()
    reader.present(presented)
    assert reader.read(0) == read


def test_texts_are_read_in_order_and_once() -> None:
    reader = SimulatedReader()
    for text in ("one", "two"):
        reader.present(text)
    assert [reader.read(0), reader.read(0)] == ["one", "two"]
    with pytest.raises(NothingPresented):
        reader.read(0)
