"""Check digits, each against another implementation or against published numbers."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schwifty import IBAN
from stdnum import ean, luhn
from stdnum.fr import siren as stdnum_siren
from stdnum.fr import siret as stdnum_siret

from sesame.demo.region.keys import ean13, french_iban, luhn_digit, siren, siret, uai

digits = st.text("0123456789", min_size=1, max_size=18)


def test_the_key_rule_gives_all_650_real_school_codes(real_data: Path) -> None:
    path = next(real_data.glob("**/lycees_ara.csv"))
    with path.open(encoding="utf-8", newline="") as file:
        codes = [r["Identifiant_de_l_etablissement"] for r in csv.DictReader(file, delimiter=";")]
    assert len(codes) == 650
    assert [uai(code[:3], int(code[3:7])) for code in codes] == codes


@pytest.mark.parametrize(
    ("department", "number"), [("63", -1), ("63", 10000), ("2A", 1), ("1000", 1)]
)
def test_a_school_code_is_made_of_digits_that_fit(department: str, number: int) -> None:
    with pytest.raises(ValueError):
        uai(department, number)


@given(digits)
def test_the_luhn_digit_is_that_of_stdnum(body: str) -> None:
    assert luhn_digit(body) == luhn.calc_check_digit(body)


@given(st.integers(0, 9999), st.integers(1, 9999))
def test_a_siren_and_a_siret_are_valid_for_stdnum(number: int, place: int) -> None:
    company = siren("0001", number)
    assert stdnum_siren.is_valid(company)
    assert stdnum_siret.is_valid(siret(company, place))
    assert siret(company, place).startswith(company)


@pytest.mark.parametrize("number", [-1, 10000])
def test_a_siren_number_that_does_not_fit_is_refused(number: int) -> None:
    with pytest.raises(ValueError):
        siren("0001", number)


@given(st.integers(0, 99999), st.integers(0, 99999), st.integers(0, 99999999999))
def test_an_iban_has_the_keys_that_schwifty_computes(bank: int, branch: int, account: int) -> None:
    ours = french_iban(f"{bank:05d}", f"{branch:05d}", f"{account:011d}")
    assert str(IBAN(ours, validate_bban=True)) == ours


@pytest.mark.parametrize(
    "parts", [("9900", "00001", "00000000001"), ("99001", "00001", "0000000001A")]
)
def test_an_account_of_another_shape_is_refused(parts: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError):
        french_iban(*parts)


@given(st.text("0123456789", min_size=12, max_size=12))
def test_a_bar_code_is_valid_for_stdnum(body: str) -> None:
    assert ean.is_valid(ean13(body))


@pytest.mark.parametrize("place", [-1, 10000])
def test_an_establishment_number_that_does_not_fit_is_refused(place: int) -> None:
    with pytest.raises(ValueError):
        siret(siren("0001", 1), place)


@pytest.mark.parametrize("body", ["97899999000", "9789999900000", "97899999000X"])
def test_a_bar_code_body_of_another_shape_is_refused(body: str) -> None:
    with pytest.raises(ValueError):
        ean13(body)
