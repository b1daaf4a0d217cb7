"""Reading `merchants.csv`: every line checked field by field, before anything is written.

Columns, separated by ";", UTF-8 (with or without a byte order mark), in any order: siret, name,
legal_form, naf, address_line, postal_code, town, insee, latitude, longitude, categories (separated
by ","), iban, bic, holder, email, phone.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from merchants.directory.categories import is_category
from merchants.directory.identifiers import check_bic, check_iban, check_siret
from merchants.directory.reasons import (
    FieldMalformed,
    FieldMissing,
    MerchantFileUnreadable,
    SiteTwice,
)
from merchants.directory.register import (
    HOLDER_CHARACTERS,
    NAME_CHARACTERS,
    STREET_CHARACTERS,
    TOWN_CHARACTERS,
    PostalAddress,
    bank_text,
    check_postal_code,
    postal_address,
    required,
)
from sesame.platform.problems import SesameError

COLUMNS = (
    *("siret", "name", "legal_form", "naf", "address_line", "postal_code", "town", "insee"),
    *("latitude", "longitude", "categories", "iban", "bic", "holder", "email", "phone"),
)
MAX_LINES = 20_000


@dataclass(frozen=True)
class MerchantLine:
    """One good line: a site, its merchant and its payee, all checked. line: which of the file."""

    line: int
    siret: str
    name: str
    legal_form: str | None
    naf: str | None
    address_line: str
    address: PostalAddress
    insee: str
    latitude: float | None
    longitude: float | None
    categories: tuple[str, ...]
    iban: str
    bic: str | None
    holder: str
    email: str | None
    phone: str | None

    @property
    def siren(self) -> str:
        """The merchant's number: the first nine digits of the site's."""
        return self.siret[:9]


@dataclass(frozen=True)
class LineError:
    """One wrong field. It never repeats the field's content, which may be a person's data."""

    line: int
    field: str
    error: SesameError


def read_merchant_file(content: bytes) -> tuple[list[MerchantLine], list[LineError]]:
    """Return the good lines and what is wrong with the others, in the file's order.

    Raises `MerchantFileUnreadable` for another encoding, missing columns, or no line at all.
    """
    lines: list[MerchantLine] = []
    errors: list[LineError] = []
    first_seen: dict[str, int] = {}
    for number, row in _rows(content):
        checked = _CheckedRow(row)
        line = checked.as_line(number)
        errors.extend(LineError(number, field, error) for field, error in checked.errors)
        if line is None:
            continue
        first = first_seen.setdefault(line.siret, number)
        if first != number:
            errors.append(LineError(number, "siret", SiteTwice(first=first)))
        else:
            lines.append(line)
    return lines, errors


def _rows(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    unreadable = MerchantFileUnreadable(columns=", ".join(COLUMNS))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise unreadable from None
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    count = 0
    try:
        if reader.fieldnames is None or not set(COLUMNS) <= set(reader.fieldnames):
            raise unreadable
        for row in reader:
            count += 1
            if count > MAX_LINES:
                raise unreadable
            yield reader.line_num, {name: row.get(name) or "" for name in COLUMNS}
    except csv.Error:
        raise unreadable from None
    if count == 0:
        raise unreadable


_LEGAL_FORM = re.compile(r"[0-9]{4}")
_NAF = re.compile(r"[0-9]{2}\.[0-9]{2}[A-Z]")
_INSEE = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{3}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")
_PHONE = re.compile(r"\+?[0-9](?:[ .-]?[0-9]){8,14}")
_DEGREES = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,12})?")


class _CheckedRow:
    """One row's fields as they are read; what is wrong with each is kept, and the next is read."""

    def __init__(self, row: dict[str, str]) -> None:
        self._row = row
        self.errors: list[tuple[str, SesameError]] = []

    def as_line(self, number: int) -> MerchantLine | None:
        """Return the line, or None when a field was wrong."""
        siret = self._take("siret", check_siret)
        name = self._take("name", lambda text: required(text, NAME_CHARACTERS))
        legal_form = self._shaped("legal_form", _LEGAL_FORM, "5499")
        naf = self._shaped("naf", _NAF, "47.61Z")
        address_line = self._take("address_line", lambda text: required(text, STREET_CHARACTERS))
        postal_code = self._take("postal_code", check_postal_code)
        town = self._take("town", lambda text: bank_text(text, TOWN_CHARACTERS, "town"))
        insee = self._take("insee", lambda text: _shape(required(text, 5), _INSEE, "63113"))
        latitude = self._degrees("latitude", 90, "45.77722")
        longitude = self._degrees("longitude", 180, "3.08703")
        categories = self._take("categories", _categories)
        iban = self._take("iban", lambda text: check_iban(required(text, 42)))
        bic = self._take("bic", lambda text: check_bic(text) if text.strip() else None)
        holder = self._take("holder", lambda text: bank_text(text, HOLDER_CHARACTERS, "holder"))
        email = self._shaped("email", _EMAIL, "contact@librairie.example")
        phone = self._shaped("phone", _PHONE, "04 65 71 00 00")
        if self.errors:
            return None
        return MerchantLine(
            line=number,
            siret=siret,
            name=name,
            legal_form=legal_form,
            naf=naf,
            address_line=address_line,
            address=postal_address(address_line, postal_code, town),
            insee=insee,
            latitude=latitude,
            longitude=longitude,
            categories=categories,
            iban=iban,
            bic=bic,
            holder=holder,
            email=email,
            phone=phone,
        )

    def _take(self, field: str, check: Callable[[str], Any]) -> Any:
        try:
            return check(self._row[field])
        except SesameError as error:
            self.errors.append((field, error))
            return None

    def _shaped(self, field: str, shape: re.Pattern[str], example: str) -> str | None:
        """Read a field that may be empty, else has this shape."""
        return cast(
            "str | None",
            self._take(
                field,
                lambda text: _shape(text.strip(), shape, example) if text.strip() else None,
            ),
        )

    def _degrees(self, field: str, most: int, example: str) -> float | None:
        text = self._shaped(field, _DEGREES, example)
        if text is None:
            return None
        degrees = float(text)
        if abs(degrees) > most:
            self.errors.append((field, FieldMalformed(example=example)))
        return degrees


def _shape(text: str, shape: re.Pattern[str], example: str) -> str:
    if shape.fullmatch(text) is None:
        raise FieldMalformed(example=example)
    return text


def _categories(text: str) -> tuple[str, ...]:
    codes = tuple(part.strip() for part in text.split(",") if part.strip())
    if not codes:
        raise FieldMissing()
    if not all(is_category(code) for code in codes):
        raise FieldMalformed(example="books,comics")
    return codes
