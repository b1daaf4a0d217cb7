"""What a feature gives to the shell: pages, API, menu entries, panels of a home page, commands."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import click
from flask import Blueprint
from flask_smorest import Blueprint as ApiBlueprint
from markupsafe import Markup

Renderer = Callable[[], Markup | str | None]


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
