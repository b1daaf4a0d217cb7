"""The pages that are about everything: the front page, and the console's first page."""

from flask import Blueprint, render_template
from flask_babel import format_date, get_locale

from sesame.platform.clock import day_in
from sesame.platform.database import unit_of_work
from sesame.platform.identity import requires
from sesame.platform.scheme import Scheme, current_scheme
from sesame.platform.web import current
from sesame.platform.web.homes import own_home

blueprint = Blueprint(
    "home",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/home",
)

CONSOLE_ROLES = ("officer", "accountant", "auditor")


@blueprint.get("/")
def front() -> str:
    """Ask who comes, and show each the door that is theirs."""
    return render_template("app/front.html", scheme=_scheme(), own_home=own_home())


@blueprint.get("/console")
@requires(*CONSOLE_ROLES)
def console() -> str:
    """Show what waits for this person, then how things stand: each panel drawn by its own room."""
    day = day_in(_scheme().zone, current().clock.now())
    written = format_date(day, "EEEE d MMMM" if str(get_locale()) == "fr" else "EEEE, d MMMM")
    return render_template("app/console.html", day=written[:1].upper() + written[1:])


def _scheme() -> Scheme:
    with unit_of_work(current().database) as session:
        return current_scheme(session)
