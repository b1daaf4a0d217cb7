"""Amounts are exact, or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_agent.amounts import format_amount, parse_amount_cents
from reader_agent.refusals import AgentRefused


@pytest.mark.parametrize(
    ("text", "amount_cents"),
    [
        ("12,40", 1240),
        ("12.40", 1240),
        ("12,4", 1240),
        ("12", 1200),
        (" 0,01 ", 1),
        ("007,00", 700),
        ("10000", 1_000_000),
    ],
)
def test_an_amount_is_read_to_the_cent(text: str, amount_cents: int) -> None:
    assert parse_amount_cents(text) == amount_cents


@given(st.integers(1, 1_000_000), st.sampled_from(",."))
def test_every_amount_agrees_with_decimal_arithmetic(amount_cents: int, point: str) -> None:
    written = str(Decimal(amount_cents).scaleb(-2))
    assert parse_amount_cents(written.replace(".", point)) == amount_cents


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0", "amount_not_positive"),
        ("0,00", "amount_not_positive"),
        ("-12,40", "amount_not_positive"),
        ("12,405", "amount_fraction_of_cent"),
        ("12,400", "amount_fraction_of_cent"),
        ("10000,01", "amount_too_large"),
        ("999999999999999", "amount_too_large"),
        ("9" * 40, "amount_malformed"),
        ("", "amount_malformed"),
        (",40", "amount_malformed"),
        ("12,", "amount_malformed"),
        ("1 000", "amount_malformed"),
        ("1.000,00", "amount_malformed"),
        ("12e2", "amount_malformed"),
        ("+12", "amount_malformed"),
        ("١٢", "amount_malformed"),
        ("12,40 €", "amount_malformed"),
        ("NaN", "amount_malformed"),
    ],
)
def test_another_amount_is_refused_with_its_code(text: str, code: str) -> None:
    with pytest.raises(AgentRefused) as refusal:
        parse_amount_cents(text)
    assert refusal.value.code == code


def test_an_amount_is_written_as_people_write_it() -> None:
    assert format_amount(123456, "fr") == "1\u00a0234,56\u00a0€"
    assert format_amount(5, "fr") == "0,05\u00a0€"
    assert format_amount(123456, "en") == "€1,234.56"
