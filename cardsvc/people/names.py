"""How a person is named and presented on screens."""

from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from cardsvc.people.facts import facts_at
from cardsvc.people.model import Beneficiary
from sesame.platform.problems import NotFound


def display_name(session: Session, beneficiary_id: UUID) -> str:
    """Return "Prénom N.", as cashiers and the person's own screens show it. Raises `NotFound`."""
    person = session.get(Beneficiary, beneficiary_id)
    if person is None:
        raise NotFound()
    return short_name(person.given_name, person.usual_name or person.family_name)


def short_name(given_name: str, family_name: str) -> str:
    """Return the given name and the family name's initial: ("Zoé", "EXEMPLE") → "Zoé E."."""
    return f"{readable(given_name)} {family_name[:1].upper()}."


def readable(name: str) -> str:
    """Return a name written in capitals (as school software does) with capitals at the heads only:
    "JEAN-PIERRE" → "Jean-Pierre"; a name with small letters is left as it is.
    """
    return name.title() if name.isupper() else name


def standing(session: Session, beneficiary_id: UUID, at: datetime) -> str:
    """Return what the wallet shows under the name, in the reader's language: their statuses and the
    school year, such as "Lycéen·ne · 2026-2027"; empty when nothing is known at `at`.
    """
    facts = facts_at(session, beneficiary_id, at)
    labels = {
        "lyceen": _("Lycéen·ne"),
        "apprentice": _("Apprenti·e"),
        "student": _("Étudiant·e"),
        "collegien": _("Collégien·ne"),
    }
    parts = [labels[each.value] for each in facts.get("status", []) if each.value in labels]
    if not parts:
        return ""
    years = [int(each.value) for each in facts.get("school_year", [])]
    if years:
        parts.append(f"{max(years)}-{max(years) + 1}")
    return " · ".join(parts)
