"""Supporting documents (pièces justificatives): what proves an operation, handed over with the accounts."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ledger.accounting.reasons import DocumentsTwice

_NOT_IN_A_NAME = re.compile(r"[^\w .()+-]+")


@dataclass(frozen=True)
class Document:
    """One document. name: its file name; nature: what it is ("Convention", "Décision d'attribution")."""

    name: str
    nature: str
    dated: date
    content: bytes

    @property
    def file_name(self) -> str:
        """Its name, without anything that leads out of a folder."""
        return _NOT_IN_A_NAME.sub("_", self.name).strip(". ") or "piece"

    @property
    def sha256(self) -> str:
        """The SHA-256 of its content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def check_names(documents: Sequence[Document]) -> None:
    """Raise `DocumentsTwice` where two documents would overwrite each other."""
    seen: set[str] = set()
    for document in documents:
        if document.file_name.casefold() in seen:
            raise DocumentsTwice(name=document.file_name)
        seen.add(document.file_name.casefold())
