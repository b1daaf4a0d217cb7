"""Compares the sentences in the code with the English catalogue, and writes the catalogue anew."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

PACKAGES = ("ledger", "cardsvc", "merchants", "sesame")
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "lazy_gettext": None, "lazy_ngettext": (1, 2)}
ENGLISH = Path(__file__).resolve().parent / "en" / "LC_MESSAGES" / "messages.po"
HEADER = """\
# English sentences of Sésame. `python -m sesame.translations update` keeps the list;
# the English is written by hand.
msgid ""
msgstr ""
"Language: en\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
_PLACE = re.compile(r"%\(\w+\)[a-z]|%%")

Message = str | tuple[str, str]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the catalogue. what: `missing`, `fuzzy`, `places`, `unused`."""

    what: str
    sentence: str
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return a line for the terminal."""
        where = f"  ({', '.join(self.files)})" if self.files else ""
        return f"{self.what}: {self.sentence!r}{where}"


def sentences(root: Path, packages: tuple[str, ...] = PACKAGES) -> dict[Message, set[str]]:
    """Return every msgid (a pair with its plural) under `root`, with the files that hold it."""
    with (root / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found: dict[Message, set[str]] = defaultdict(set)
    for package in packages:
        for name, _line, message, _comments, _context in extract_from_dir(
            root / package, methods, options, keywords=KEYWORDS
        ):
            key = message if isinstance(message, str) else (message[0], message[1])
            found[key].add(f"{package}/{name}")
    return dict(found)


def read(po: Path = ENGLISH) -> Catalog:
    """Return the catalogue in `po`."""
    with po.open("rb") as file:
        return read_po(file, locale="en", abort_invalid=True)


def problems(found: dict[Message, set[str]], catalogue: Catalog) -> Iterator[Problem]:
    """Yield what is wrong: no English, unsure English, other places to fill, or English of nothing."""
    for message, files in sorted(found.items(), key=lambda each: str(each[0])):
        msgid = message if isinstance(message, str) else message[0]
        entry = catalogue.get(msgid)
        written = _strings(entry.string) if entry is not None else ()
        if entry is None or entry.id != message or not written or not all(written):
            yield Problem("missing", msgid, tuple(sorted(files)))
        elif entry.fuzzy:
            yield Problem("fuzzy", msgid, tuple(sorted(files)))
        elif any(_places(each) not in _allowed_places(message) for each in written):
            yield Problem("places", msgid, tuple(sorted(files)))
    for entry in catalogue:
        if entry.id and entry.id not in found:
            yield Problem("unused", _strings(entry.id)[0])


def update(found: dict[Message, set[str]], po: Path = ENGLISH) -> int:
    """Write `po` anew: the sentences of the code, in order, with the English that there is.

    Returns how many have none yet. English of sentences that are gone is dropped.
    """
    known = read(po)
    fresh = Catalog(locale="en", fuzzy=False)
    bare = 0
    for message, files in found.items():
        entry = known.get(message)
        kept = entry.string if entry is not None and entry.id == message else None
        bare += not (kept and all(_strings(kept)))
        fresh.add(message, kept, locations=[(file, 0) for file in sorted(files)])
    with po.open("wb") as file:
        file.write(HEADER.encode())
        write_po(file, fresh, width=100, sort_output=True, omit_header=True, include_lineno=False)
    return bare


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(each) for each in value) if isinstance(value, list | tuple) else ()


def _allowed_places(message: Message) -> list[set[str]]:
    """Return the places of the singular and of the plural: "one file" may leave the number out."""
    return [_places(each) for each in ((message,) if isinstance(message, str) else message)]


def _places(sentence: str) -> set[str]:
    return set(_PLACE.findall(sentence))
