"""SIREN, SIRET, IBAN and BIC."""

import pytest

from merchants.directory.identifiers import check_bic, check_iban, check_siren, check_siret
from merchants.directory.reasons import (
    BicInvalid,
    IbanInvalid,
    IbanOutsideSepa,
    SirenInvalid,
    SiretInvalid,
)


@pytest.mark.parametrize("text", ["73282932000074", " 732 829 320 00074 "])
def test_a_siret_is_kept_without_its_spaces(text):
    assert check_siret(text) == "73282932000074"


@pytest.mark.parametrize(
    "text", ["", "73282932000075", "7328293200007", "732829320000740", "7328293200007A"]
)
def test_a_wrong_siret_is_refused(text):
    with pytest.raises(SiretInvalid):
        check_siret(text)


def test_every_wrong_digit_of_a_siret_is_seen():
    right = "73282932000074"
    for place in range(14):
        for digit in "0123456789":
            if digit != right[place]:
                with pytest.raises(SiretInvalid):
                    check_siret(right[:place] + digit + right[place + 1 :])


def test_a_post_office_has_a_rule_of_its_own():
    # Digits that sum to a multiple of 5 and that Luhn would refuse; the head office keeps Luhn.
    assert check_siret("35600000009075") == "35600000009075"
    assert check_siret("35600000000048") == "35600000000048"
    with pytest.raises(SiretInvalid):
        check_siret("35600000009076")


def test_a_siren_has_nine_digits_and_a_key():
    assert check_siren("732 829 320") == "732829320"
    for wrong in ("732829321", "73282932", "73282932000074"):
        with pytest.raises(SirenInvalid):
            check_siren(wrong)


@pytest.mark.parametrize(
    "text", ["FR14 2004 1010 0505 0001 3M02 606", "fr1420041010050500013m02606"]
)
def test_an_iban_is_kept_in_capitals_without_its_spaces(text):
    assert check_iban(text) == "FR1420041010050500013M02606"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FR1520041010050500013M02606",  # check digits
        "FR1420041010050500013M0260",  # length
        "ZZ1420041010050500013M02606",  # no such country
        "FR14",
    ],
)
def test_a_wrong_iban_is_refused(text):
    with pytest.raises(IbanInvalid):
        check_iban(text)


def test_the_french_rib_key_is_checked_too():
    # Its ISO 13616 digits are made right for a RIB key that is wrong: 07 where 06 is due.
    bban = "20041010050500013M02607"
    number = int("".join(str(int(sign, 36)) for sign in bban + "FR00"))
    iban = f"FR{98 - number % 97:02d}{bban}"
    assert int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1
    with pytest.raises(IbanInvalid):
        check_iban(iban)


@pytest.mark.parametrize("text", ["DE89370400440532013000", "GB29NWBK60161331926819"])
def test_an_iban_of_another_sepa_country_is_fine(text):
    assert check_iban(text) == text


def test_an_iban_outside_sepa_is_named_as_such():
    with pytest.raises(IbanOutsideSepa):
        check_iban("MU17BOMM0101101030300200000MUR")


def test_a_bic_has_eight_or_eleven_signs():
    assert check_bic("psst frpp") == "PSSTFRPP"
    for wrong in ("PSSTFRP", "PSST1RPP", "PSSTFRPPPAR1"):
        with pytest.raises(BicInvalid):
            check_bic(wrong)
