"""Which request an action means in a book at a moment."""

from collections.abc import Callable
from typing import Any

from tests.ledger.model import moving, spending
from tests.ledger.model.action import KINDS, Action, Choice, World
from tests.ledger.model.book import Book

_CHOICES: dict[str, Callable[[Choice], Any]] = {
    kind: getattr(moving, f"choose_{kind}", None) or getattr(spending, f"choose_{kind}")
    for kind in KINDS
}


def choose(action: Action, book: Book, world: World) -> Any:
    """Make the request that an action means now; what it needs first where the book has nothing for it."""
    choice = Choice(action, book, world)
    return _CHOICES[action.kind](choice) or _CHOICES["grant"](choice)
