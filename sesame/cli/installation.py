"""`sesame init`, `migrate`, `settings`, `staff`: making an installation and who runs it."""

import re
from dataclasses import fields
from typing import TextIO
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import available_timezones

import click

from cardsvc.cards.issuer import create_issuer_key
from sesame.platform.command import print_answer, process
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity, list_identities
from sesame.platform.keys import keys_folder, web_secret
from sesame.platform.problems import Reason, SesameError, declare
from sesame.platform.scheme import SchemeMissing, create_scheme, current_scheme
from sesame.platform.settings import Settings, environment_name, load_settings

MIN_PASSWORD = 12
ISSUER = re.compile(r"[A-Z0-9-]{2,12}")
STAFF_ROLES = ("officer", "accountant", "auditor")


class SchemeExists(SesameError):
    """This database serves a scheme already."""

    reason = declare(
        Reason(
            "scheme_exists", 409, "Cette base porte déjà la carte « %(name)s » : rien n'a changé."
        )
    )


def _known_zone(_context: click.Context, _option: click.Parameter, zone: str) -> str:
    if zone not in available_timezones():
        raise click.BadParameter(f"{zone!r} isn't a time zone, such as Europe/Paris")
    return zone


def _short_issuer(_context: click.Context, _option: click.Parameter, issuer: str) -> str:
    if not ISSUER.fullmatch(issuer):
        raise click.BadParameter("2 to 12 capitals, digits or hyphens, such as FR-84")
    return issuer


def _not_empty(_context: click.Context, _option: click.Parameter, text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise click.BadParameter("it is empty, or holds characters that can't be shown")
    return text.strip()


@click.command()
@click.option(
    "--name", required=True, callback=_not_empty, help="The Region's name, as people read it."
)
@click.option(
    "--issuer",
    required=True,
    callback=_short_issuer,
    help="A short id in capitals for tokens, such as FR-84.",
)
@click.option(
    "--zone",
    default="Europe/Paris",
    show_default=True,
    callback=_known_zone,
    help="The scheme's time zone.",
)
@click.option(
    "--kind",
    type=click.Choice(["production", "demonstration"]),
    default="production",
    show_default=True,
)
def init(name: str, issuer: str, zone: str, kind: str) -> None:
    """Make the database, its roles, the scheme and its signing keys.

    Example: sesame init --name "Région Exemple" --issuer FR-EX
    """
    from sesame.migrations import install_database  # noqa: PLC0415  slow, for two commands only

    settings = load_settings()
    install_database(settings)
    web_secret(settings)
    here = process()
    at = here.clock.now()
    with unit_of_work(here.database) as session:
        try:
            raise SchemeExists(name=current_scheme(session).name)
        except SchemeMissing:
            create_scheme(session, name=name, issuer=issuer, zone=zone, kind=kind, at=at)
        create_issuer_key(settings, session, at)
    click.echo(
        f"{name}: ready in {settings.data_dir}. Keys in {keys_folder(settings)}: back them up."
    )


@click.command()
def migrate() -> None:
    """Bring the database up to this version of the program.

    Example: sesame migrate
    """
    from sesame.migrations import install_database  # noqa: PLC0415  slow, for two commands only

    install_database(load_settings())
    click.echo("The database is up to date.")


@click.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_settings(as_json: bool) -> None:
    """Print every setting with its value; passwords in addresses are left out.

    Example: sesame settings
    """
    values = load_settings()
    shown = {
        environment_name(field.name): _without_password(getattr(values, field.name))
        for field in fields(Settings)
    }
    width = max(map(len, shown))
    print_answer(
        shown,
        as_json=as_json,
        text="\n".join(f"{name:<{width}}  {value or '-'}" for name, value in shown.items()),
    )


def _without_password(value: object) -> str | None:
    if value is None:
        return None
    text = str(value)
    if "://" not in text:
        return text
    parts = urlsplit(text)
    user, _, host = parts.netloc.rpartition("@")
    user = user.partition(":")[0]
    query = urlencode([(key, value) for key, value in parse_qsl(parts.query) if "pass" not in key])
    return urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host, query=query))


@click.group()
def staff() -> None:
    """The Region's people who sign in."""


@staff.command("add")
@click.option(
    "--login",
    required=True,
    callback=_not_empty,
    help="What they type to sign in, such as an e-mail address.",
)
@click.option("--name", required=True, callback=_not_empty, help="What others see.")
@click.option("--role", required=True, type=click.Choice(STAFF_ROLES))
@click.option(
    "--password-file",
    type=click.File(),
    default="-",
    help="Default: standard input.",
    show_default=False,
)
def add_staff(login: str, name: str, role: str, password_file: TextIO) -> None:
    """Let someone of the Region sign in; the password is the first line of a file.

    Example: printf %s "$PASSWORD" | sesame staff add --login a.martin --name "A. Martin" --role officer
    """
    password = password_file.readline().rstrip("\n")
    if len(password) < MIN_PASSWORD:
        raise click.UsageError(f"The password must have {MIN_PASSWORD} characters or more.")
    here = process()
    with unit_of_work(here.database) as session:
        identity_id = create_identity(
            session,
            role=role,
            display_name=name,
            login=login,
            password=password,
            at=here.clock.now(),
        )
    click.echo(str(identity_id))


@staff.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_staff(as_json: bool) -> None:
    """List the Region's people who sign in.

    Example: sesame staff list
    """
    with process().database.sessions() as session:
        people = list_identities(session, STAFF_ROLES)
    rows = [{"login": each.login, "name": each.name, "role": each.role} for each in people]
    print_answer(
        rows,
        as_json=as_json,
        text="\n".join(f"{row['login']:<30} {row['role']:<12} {row['name']}" for row in rows),
    )
