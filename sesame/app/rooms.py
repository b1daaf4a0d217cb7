"""The features, in the order in which they register."""

from functools import cache
from importlib import import_module

from sesame.platform.web.hooks import Registry

FEATURES = (
    "sesame.platform.identity",
    "sesame.app",
    "ledger",
    "cardsvc.people",
    "cardsvc.schools",
    "cardsvc.programmes",
    "cardsvc.cards",
    "merchants.directory",
    "merchants.conventions",
    "merchants.terminals",
    "merchants.purchases",
    "merchants.reimbursements",
)


@cache
def registry() -> Registry:
    """Return what all features register: pages, API, menus, panels, commands, jobs."""
    collected = Registry()
    for feature in FEATURES:
        import_module(f"{feature}.hooks").register(collected)
    return collected
