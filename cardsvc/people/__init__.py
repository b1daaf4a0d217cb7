"""Beneficiaries and the dated facts known of them: what other features may call."""

from cardsvc.people.facts import (
    FactChanges,
    KnownFact,
    StatedFact,
    end_facts,
    facts_at,
    record_facts,
)
from cardsvc.people.names import display_name, readable, short_name, standing

__all__ = [
    "FactChanges",
    "KnownFact",
    "StatedFact",
    "display_name",
    "end_facts",
    "facts_at",
    "readable",
    "record_facts",
    "short_name",
    "standing",
]
