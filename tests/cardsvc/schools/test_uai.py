"""The key letter of a school's code, against real codes and a referee of another design."""

import csv

from hypothesis import given
from hypothesis import strategies as st

from cardsvc.schools.uai import is_uai, uai_in


def test_every_school_of_the_official_directory_has_a_right_key(real_data):
    with (real_data / "uai-lycees-ara" / "lycees_ara.csv").open(encoding="utf-8-sig") as file:
        codes = [
            row["Identifiant_de_l_etablissement"] for row in csv.DictReader(file, delimiter=";")
        ]
    assert len(codes) == 650
    assert all(is_uai(code) for code in codes)


@given(st.integers(0, 9_999_999))
def test_exactly_one_letter_is_the_key_of_a_number(number):
    letters = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if is_uai(f"{number:07d}{letter}")]
    assert len(letters) == 1
    # The next number's key is the next letter of the alphabet without I, O, Q.
    alphabet = "ABCDEFGHJKLMNPRSTUVWXYZ"
    following = alphabet[(alphabet.index(letters[0]) + 1) % 23]
    assert is_uai(f"{(number + 1):07d}{following}"[:8]) or number == 9_999_999


def test_a_wrong_form_is_no_code():
    assert not any(is_uai(text) for text in ("", "0690026d", "690026D", "0690026DD", "०६९००२६D"))


def test_the_code_in_a_files_name_is_found_when_it_is_the_only_one():
    assert uai_in("FREGATA_0690026D.csv") == "0690026D"
    assert uai_in("roll-0690026d (2).csv") == "0690026D"
    assert uai_in("FREGATA_0690026E.csv") is None
    assert uai_in("0690026D_0010001W.csv") is None
