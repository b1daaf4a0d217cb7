"""Arrays as PostgreSQL reads them in text: one type, one prepared plan, whatever the values are.

The driver chooses an array's type by its members (small numbers, large ones, none at all), and each
choice would be prepared and planned anew. The statement's own cast, or its function, says the type.
"""

from collections.abc import Iterable
from uuid import UUID


def array_text(values: Iterable[UUID | int | str | bytes | None]) -> str:
    """Return the array's text. bytes stand for bytea, None for NULL."""
    return "{" + ",".join([_element(each) for each in values]) + "}"


def _element(value: UUID | int | str | bytes | None) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return "NULL" if value is None else str(value)
