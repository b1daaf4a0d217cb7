"""What becomes of text that a bank might refuse."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.rails.characters import epc_text, is_reference, says_something


@pytest.mark.parametrize(
    ("written", "accepted"),
    [
        ("Librairie de l'Épée", "Librairie de l'Epee"),
        ("Cœur & Œuvre", "Coeur + OEuvre"),
        ("Ça «va» où ?", "Ca 'va' ou ?"),
        ("A << B", "A .. B"),
        ("L’Île\u00a0aux\tlivres", "L'Ile aux livres"),
        ("Straße_7", "Strasse-7"),
        ("Prix : 5 €", "Prix : 5 EUR"),
        ("  espaces   multiples ", "espaces multiples"),
        ("<script>", ".script."),
    ],
)
def test_text_is_brought_into_the_common_character_set(written, accepted):
    assert epc_text(written, 70) == accepted


@given(st.text(max_size=200), st.integers(1, 140))
def test_whatever_goes_in_only_the_common_set_comes_out_and_never_too_long(text, longest):
    assert re.fullmatch(r"[A-Za-z0-9/\-?:().,'+ ]*", epc_text(text, longest))
    assert len(epc_text(text, longest)) <= longest


@given(st.text(max_size=200))
def test_what_was_brought_in_once_stays_as_it_is(text):
    once = epc_text(text, 140)
    assert epc_text(once, 140) == once


def test_a_name_of_signs_alone_says_nothing():
    assert not says_something(epc_text("漢字", 70))
    assert says_something(epc_text("漢字 7", 70))


@pytest.mark.parametrize("reference", ["FR-84-20261124-9A3F", "a", "1/2", "x" * 35])
def test_a_plain_reference_is_accepted(reference):
    assert is_reference(reference)


@pytest.mark.parametrize(
    "reference", ["", "/a", "a/", "a//b", "x" * 36, "é", "a_b", "a\n", " a", "a "]
)
def test_a_reference_that_a_bank_could_refuse_is_seen(reference):
    assert not is_reference(reference)
