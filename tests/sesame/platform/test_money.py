"""Amounts: integer cents, written as people write them, read back to the same cents."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesame.platform.money import MAX_CENTS, AmountInvalid, format_cents, parse_cents

CENTS = st.integers(min_value=1, max_value=MAX_CENTS)


@given(CENTS)
def test_what_is_written_in_french_is_read_back_to_the_cent(cents):
    read = parse_cents(format_cents(cents))
    assert (read, type(read)) == (cents, int)


@given(CENTS, st.sampled_from(["fr", "en"]))
def test_what_is_written_is_the_exact_decimal(cents, locale):
    digits = "".join(each for each in format_cents(cents, locale) if each.isdigit())
    assert Decimal(digits).scaleb(-2) == Decimal(cents) / 100


@given(st.integers(0, 999_999), st.integers(0, 99), st.sampled_from([",", "."]))
def test_comma_and_point_both_part_the_cents(euros, cents, mark):
    if euros or cents:
        assert parse_cents(f"{euros}{mark}{cents:02d}") == euros * 100 + cents


@given(st.text(max_size=20))
def test_any_other_text_is_refused_with_a_code_and_never_anything_else(text):
    try:
        assert 0 < parse_cents(text) <= MAX_CENTS
    except AmountInvalid as refused:
        assert refused.code == "amount_invalid"


@pytest.mark.parametrize(
    "text",
    ["", "0", "0,00", "-1", "−1", "1,234", "12,345.00", "1e3", "NaN", "12.", ",50", "١٢", "1 000 000 000",
     "100000000,01", "12 $", "12 €€", "0x10", "9" * 5000],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(AmountInvalid):
        parse_cents(text)


@pytest.mark.parametrize(
    ("cents", "french", "english"),
    [
        (3841260, "38\u00a0412,60\u00a0€", "€38,412.60"),
        (5, "0,05\u00a0€", "€0.05"),
        (-7000, "−70,00\u00a0€", "−€70.00"),
        (0, "0,00\u00a0€", "€0.00"),
    ],
)
def test_amounts_look_as_people_of_each_language_write_them(cents, french, english):
    assert (format_cents(cents), format_cents(cents, "en")) == (french, english)


@pytest.mark.parametrize("wrong", [1.5, Decimal("1.5"), "100"])
def test_only_integers_are_written(wrong):
    with pytest.raises((ValueError, TypeError)):
        format_cents(wrong)
