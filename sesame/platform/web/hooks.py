"""What a feature gives to the shell: pages, API, menu entries, panels of a home page, commands."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import click
from flask import Blueprint, current_app
from flask_smorest import Blueprint as ApiBlueprint
from markupsafe import Markup
from sqlalchemy.orm import Session

Renderer = Callable[[], Markup | str | None]


@dataclass(frozen=True)
class Explanation:
    """What an opaque id stands for, in words for staff: never a young person's name.

    title: what it is, as people call it. detail: what more there is to say, in the reader's language.
    url: the page about it, if there is one. leads_to: another id that it belongs to, where the kind
    says which. until: the last day on which it is used, where it has one.
    """

    title: str
    detail: str = ""
    url: str | None = None
    leads_to: UUID | None = None
    until: date | None = None


Explainer = Callable[[Session, Sequence[UUID]], Mapping[UUID, Explanation]]
"""Explains those ids that it knows, many at once; leaves out the others."""


@dataclass(frozen=True)
class MenuEntry:
    """One line of a menu. audience: `wallet`, `console` or `school`. label: a lazy French msgid."""

    audience: str
    label: object
    endpoint: str
    icon: str
    order: int
    roles: frozenset[str]


@dataclass(frozen=True)
class Panel:
    """A part of a home page, drawn by the room that owns its data.

    place: `wallet`, `console`, `console_todo` or `school`. render returns HTML, or None to show
    nothing. It is called in the request of someone who has one of the roles.
    """

    place: str
    render: Renderer
    order: int
    roles: frozenset[str]


@dataclass
class Registry:
    """Collects what the features register; `sesame.app` puts it together."""

    pages: list[Blueprint] = field(default_factory=list)
    apis: list[ApiBlueprint] = field(default_factory=list)
    menu_entries: list[MenuEntry] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    command_groups: list[click.Command] = field(default_factory=list)
    explainers: dict[str, list[Explainer]] = field(default_factory=dict)

    def page(self, blueprint: Blueprint) -> None:
        """Add a blueprint of HTML pages."""
        self.pages.append(blueprint)

    def api(self, blueprint: ApiBlueprint) -> None:
        """Add a flask-smorest blueprint of JSON resources (its url_prefix begins with /api/v1)."""
        self.apis.append(blueprint)

    def menu(
        self,
        audience: str,
        label: object,
        endpoint: str,
        *,
        icon: str,
        order: int,
        roles: Iterable[str],
    ) -> None:
        """Add a menu entry for people with one of `roles`. icon: a shipped Lucide icon's name."""
        self.menu_entries.append(
            MenuEntry(audience, label, endpoint, icon, order, frozenset(roles))
        )

    def panel(self, place: str, render: Renderer, *, order: int, roles: Iterable[str]) -> None:
        """Add a panel to a home page for people with one of `roles`."""
        self.panels.append(Panel(place, render, order, frozenset(roles)))

    def commands(self, group: click.Command) -> None:
        """Add a command, or a group of commands, under `sesame`."""
        self.command_groups.append(group)

    def explains(self, kind: str, explainer: Explainer) -> None:
        """Let a room explain ids that a room below keeps without knowing what they stand for.

        kind: of the ledger's accounts `envelope`, `funding`, `entitlement`, `payable`; of its
        correlations `capture`, `remit`. `payment_of` explains in which payment (leads_to: its
        correlation) a transfer was paid; `payables_of` is asked with envelopes and answers with the
        payables that each of them (leads_to) pays.
        """
        self.explainers.setdefault(kind, []).append(explainer)


def explain(kind: str, session: Session, ids: Iterable[UUID]) -> dict[UUID, Explanation]:
    """Return what the rooms of this application say of `ids`; an id that none knows is left out."""
    wanted = list(dict.fromkeys(ids))
    found: dict[UUID, Explanation] = {}
    if not wanted:
        return found
    explainers: dict[str, list[Explainer]] = current_app.extensions["sesame.explainers"]
    for explainer in explainers.get(kind, ()):
        found |= explainer(session, wanted)
    return found
