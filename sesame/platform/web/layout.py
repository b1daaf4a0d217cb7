"""What every template can use: menus, panels, amounts and dates in the reader's language."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask, g, request, url_for
from flask_babel import format_date, format_datetime, get_locale
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from sesame.platform.identity.sessions import signed_in_or_none
from sesame.platform.money import format_cents
from sesame.platform.problems import reason_for
from sesame.platform.web.hooks import MenuEntry, Registry
from sesame.platform.web.inside import here

ROLE_NAMES = {
    "beneficiary": _l("Bénéficiaire"),
    "school": _l("Établissement"),
    "merchant": _l("Partenaire"),
    "officer": _l("Agent de la Région"),
    "accountant": _l("Comptable"),
    "auditor": _l("Contrôle"),
}
ICONS = Path(__file__).parent / "static" / "vendor" / "lucide"


def install(app: Flask, registry: Registry) -> None:
    """Give the templates their filters and globals."""
    icons: dict[str, Markup] = {}

    def menu(audience: str) -> list[MenuEntry]:
        identity = signed_in_or_none()
        role = identity.role if identity else ""
        entries = [
            entry
            for entry in registry.menu_entries
            if entry.audience == audience and role in entry.roles
        ]
        return sorted(entries, key=lambda entry: entry.order)

    def panels(place: str) -> list[Markup]:
        identity = signed_in_or_none()
        role = identity.role if identity else ""
        chosen = [each for each in registry.panels if each.place == place and role in each.roles]
        drawn = [each.render() for each in sorted(chosen, key=lambda each: each.order)]
        return [Markup(html) for html in drawn if html]  # noqa: S704  drawn by our own templates

    def icon(name: str, size: int = 24) -> Markup:
        if name not in icons:
            svg = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
            icons[name] = Markup(svg[svg.index("<svg") :])  # noqa: S704  a shipped file
        return Markup('<span class="icon" aria-hidden="true" data-size="{}">{}</span>').format(
            size, icons[name]
        )

    app.jinja_env.globals.update(
        menu=menu,
        current_entry=_current_entry,
        panels=panels,
        icon=icon,
        signed_in=signed_in_or_none,
        role_name=lambda role: ROLE_NAMES[role],
        request_id=_request_id,
        locale=lambda: str(get_locale() or "fr"),
        here=here,
    )
    app.jinja_env.filters.update(
        cents=lambda cents: format_cents(cents, str(get_locale())),
        day=_day,
        moment=_moment,
        sentence=lambda code: reason_for(code).sentence,
    )


def _current_entry(entries: list[MenuEntry]) -> MenuEntry | None:
    """Return the entry whose page this is, or is under: the longest path that begins this one's.

    A home page (`/console`) is nobody's parent: it is current only when it is the page itself.
    """
    found: tuple[int, MenuEntry] | None = None
    for entry in entries:
        path = url_for(entry.endpoint).rstrip("/")
        under = path.count("/") > 1 and request.path.startswith(path + "/")
        if (request.path == path or under) and (found is None or len(path) > found[0]):
            found = (len(path), entry)
    return found[1] if found else None


def _request_id() -> str:
    return str(g.get("request_id", ""))


def _day(value: date | datetime, zone: ZoneInfo | None = None, shape: str = "d MMMM y") -> str:
    """Write a day as people do: "31 mai 2027"; a moment is first taken to `zone`."""
    if isinstance(value, datetime):
        value = value.astimezone(zone or UTC).date()
    return str(format_date(value, shape))


def _moment(value: datetime, zone: ZoneInfo | None = None, shape: str = "d MMMM y, HH:mm") -> str:
    """Write a moment in `zone` (UTC without one)."""
    return str(format_datetime(value.astimezone(zone or UTC), shape, rebase=False))
