"""What this feature gives to the shell."""

from flask_babel import lazy_gettext as _l

from cardsvc.schools import commands, enrol_pages, pages
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register the secretary's pages, the enrolment page and the commands."""
    registry.page(pages.blueprint)
    registry.page(enrol_pages.blueprint)
    registry.menu(
        "school",
        _l("Classes"),
        "schools.home",
        icon="school",
        order=10,
        roles=["school"],
    )
    registry.commands(commands.school)
    registry.commands(commands.roll)
