"""Every error and refusal has a stable code, one HTTP status and sentences: declared once, here.

A room declares its reasons beside the rule that gives them. `SesameError` carries a reason and its
figures; the web shell turns it into problem details (RFC 9457) or a page, the command line into a
sentence and a non-zero exit. Sentences are French msgids with `%(name)s` places for the figures.
"""

from dataclasses import dataclass
from typing import ClassVar

from flask_babel import gettext


@dataclass(frozen=True)
class Reason:
    """Why something was refused.

    code: stable, snake_case, never reused. status: HTTP status. sentence: for whoever asked (the
    cashier, where a till asked). holder: the same for the young person, who is told what to do next.
    """

    code: str
    status: int
    sentence: str
    holder: str = ""


_REASONS: dict[str, Reason] = {}


def declare(reason: Reason) -> Reason:
    """Add `reason` to the table and return it. A code declared twice with two meanings is a bug."""
    known = _REASONS.setdefault(reason.code, reason)
    if known != reason:
        raise ValueError(f"reason code {reason.code!r} is declared twice with two meanings")
    return reason


def reason_for(code: str) -> Reason:
    """Return the declared reason of `code`. Raises KeyError for a code nobody declared."""
    return _REASONS[code]


def declared_reasons() -> dict[str, Reason]:
    """Return every declared reason by code (for the documentation and its test)."""
    return dict(_REASONS)


class SesameError(Exception):
    """Base of all domain errors. Subclasses set `reason`; figures fill the sentence's places.

    Figures are numbers, codes and names of fields: never a person's data.
    """

    reason: ClassVar[Reason]

    def __init__(self, **figures: object) -> None:
        super().__init__(self.reason.code)
        self.figures = figures

    @property
    def code(self) -> str:
        """The stable code of the refusal."""
        return self.reason.code

    def sentence(self) -> str:
        """Return the sentence in the current locale, its places filled."""
        return str(gettext(self.reason.sentence, **self.figures))


class NotFound(SesameError):
    """Nothing here by that id, or nothing that the asker may see."""

    reason = declare(Reason("not_found", 404, "Cette page ou cet élément n'existe pas."))


class NotAllowed(SesameError):
    """Signed in, but without the role that this needs."""

    reason = declare(
        Reason("not_allowed", 403, "Votre compte n'a pas accès à cette page ou à cette action.")
    )


class NotSignedIn(SesameError):
    """Nobody is signed in."""

    reason = declare(Reason("not_signed_in", 401, "Connectez-vous pour continuer."))


class InputInvalid(SesameError):
    """The request's fields are wrong; `fields` says which and why."""

    reason = declare(
        Reason("input_invalid", 422, "Certaines informations sont manquantes ou incorrectes.")
    )


class IdempotencyConflict(SesameError):
    """The same key came back with another content."""

    reason = declare(
        Reason(
            "idempotency_conflict",
            409,
            "Cette clé a déjà servi pour une autre opération. Refaites l'opération avec une clé neuve.",
        )
    )


class Busy(SesameError):
    """What this needs is held by something else, for longer than anybody should wait for it."""

    reason = declare(
        Reason(
            "busy",
            503,
            "Une autre opération est en cours. Rien n'a été modifié : réessayez dans un instant.",
            holder="Une autre opération est en cours. Rien n'a changé : réessaie dans un instant.",
        )
    )


class OutcomeUnknown(SesameError):
    """The database went away before it had answered: what was asked may have been done, or not."""

    reason = declare(
        Reason(
            "outcome_unknown",
            503,
            "La base de données a cessé de répondre : l'opération est peut-être déjà enregistrée. "
            "Recommencez à l'identique, elle ne sera pas faite deux fois.",
            holder="Nous avons perdu le fil : c'est peut-être déjà fait. Recharge la page pour voir.",
        )
    )
