"""Reading merchants.csv, field by field."""

import pytest

from merchants.directory.merchant_file import COLUMNS, read_merchant_file
from merchants.directory.reasons import MerchantFileUnreadable

GOOD = {
    "siret": "73282932000074",
    "name": "Le Sablier",
    "legal_form": "5499",
    "naf": "47.61Z",
    "address_line": "12 rue des Halles",
    "postal_code": "63000",
    "town": "Clermont",
    "insee": "63113",
    "latitude": "45.777",
    "longitude": "3.087",
    "categories": "textbooks, books",
    "iban": "FR14 2004 1010 0505 0001 3M02 606",
    "bic": "PSSTFRPP",
    "holder": "Le Sablier",
    "email": "contact@sablier.example",
    "phone": "04 65 71 00 01",
}


def written(*rows, columns=COLUMNS):
    lines = [";".join(columns)]
    lines += [";".join({**GOOD, **row}[column] for column in columns) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def test_a_good_line_is_read():
    lines, errors = read_merchant_file(written({}))
    assert errors == []
    (line,) = lines
    assert (line.line, line.siren, line.siret) == (2, "732829320", "73282932000074")
    assert (line.address.number, line.address.street) == ("12", "rue des Halles")
    assert line.categories == ("textbooks", "books")
    assert line.iban == "FR1420041010050500013M02606"
    assert (line.latitude, line.longitude) == (45.777, 3.087)


def test_columns_may_come_in_any_order_and_after_a_byte_order_mark():
    content = b"\xef\xbb\xbf" + written({}, columns=tuple(reversed(COLUMNS)))
    lines, errors = read_merchant_file(content)
    assert (len(lines), errors) == (1, [])


def test_what_may_be_empty_may_be_empty():
    free = ("legal_form", "naf", "latitude", "longitude", "bic", "email", "phone")
    lines, errors = read_merchant_file(written(dict.fromkeys(free, "")))
    assert errors == []
    assert [getattr(lines[0], name) for name in free] == [None] * len(free)


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("siret", "73282932000075", "siret_invalid"),
        ("siret", "", "siret_invalid"),
        ("name", "", "field_missing"),
        ("name", "x" * 141, "field_too_long"),
        ("name", "Le\x00Sablier", "field_malformed"),
        ("legal_form", "54", "field_malformed"),
        ("naf", "4761Z", "field_malformed"),
        ("address_line", " ", "field_missing"),
        ("address_line", "x" * 71, "field_too_long"),
        ("postal_code", "6300", "field_malformed"),
        ("town", "", "field_missing"),
        ("town", "x" * 36, "field_too_long"),
        ("town", "Θήβα", "payee_unwritable"),
        ("holder", "Βιβλιοπωλείο", "payee_unwritable"),
        ("insee", "2C113", "field_malformed"),
        ("latitude", "91", "field_malformed"),
        ("latitude", "1e1", "field_malformed"),
        ("longitude", "-180.5", "field_malformed"),
        ("categories", ",", "field_missing"),
        ("categories", "Books", "field_malformed"),
        ("iban", "FR1520041010050500013M02606", "iban_invalid"),
        ("iban", "", "field_missing"),
        ("iban", "MU17BOMM0101101030300200000MUR", "iban_outside_sepa"),
        ("bic", "PSST", "bic_invalid"),
        ("holder", "", "field_missing"),
        ("holder", "x" * 71, "field_too_long"),
        ("email", "nobody", "field_malformed"),
        ("phone", "12", "field_malformed"),
    ],
)
def test_a_wrong_field_is_told_with_its_line_and_code(field, text, code):
    lines, errors = read_merchant_file(written({}, {"siret": "40483304800022", field: text}))
    assert [(each.line, each.field, each.error.code) for each in errors] == [(3, field, code)]
    assert [line.line for line in lines] == [2]


def test_every_wrong_field_of_a_line_is_told():
    _, errors = read_merchant_file(written({"siret": "1", "iban": "2", "holder": ""}))
    assert [each.field for each in errors] == ["siret", "iban", "holder"]


def test_a_siret_given_twice_names_its_first_line():
    _, errors = read_merchant_file(written({}, {}))
    assert [(each.line, each.error.code, each.error.figures) for each in errors] == [
        (3, "site_twice", {"first": 2})
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"siret;name\n",
        written(columns=COLUMNS),
        written({}).replace(b"Sablier", b"Sabli\xe9"),
        written({}, columns=COLUMNS[1:]),
        written({"name": '"Le Sablier'}),
    ],
    ids=["empty", "no columns", "no line", "latin 1", "a column missing", "a quote left open"],
)
def test_what_is_no_such_file_is_refused(content):
    with pytest.raises(MerchantFileUnreadable):
        read_merchant_file(content)
