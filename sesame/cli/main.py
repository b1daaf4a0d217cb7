"""The command's tree, and how an error reads."""

import os
import sys

import click
import psycopg
from flask import Flask
from sqlalchemy.exc import DBAPIError

from sesame.app.rooms import registry
from sesame.cli import installation, safekeeping, serving
from sesame.cli.script import make_script_command
from sesame.platform.database.embedded import EmbeddedDatabaseFailed
from sesame.platform.log import set_up_logs, where_raised
from sesame.platform.problems import SesameError
from sesame.platform.settings import SettingInvalid
from sesame.platform.web.language import speak


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sesame")
def sesame() -> None:
    """Sésame: an open youth card and subsidy payment system."""
    set_up_logs("warning")


def command_tree() -> click.Group:
    """Return the whole tree of commands: ours and the features'."""
    ours = (
        installation.init,
        installation.migrate,
        installation.show_settings,
        installation.staff,
        safekeeping.backup,
        safekeeping.restore,
        serving.serve,
        serving.worker,
        serving.demo,
        make_script_command(command_tree),
    )
    for command in (*ours, *registry().command_groups):
        sesame.add_command(command)
    return sesame


def main() -> None:
    """Run the command line; an error is a sentence on standard error and exit code 1."""
    with _language().app_context():
        try:
            answer = command_tree()(standalone_mode=False)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            sys.exit(130)
        except Exception as error:
            click.echo(_sentence(error), err=True)
            sys.exit(1)
    # What a command left by `Context.exit` comes back as a number.
    sys.exit(answer if isinstance(answer, int) else 0)


def _sentence(error: Exception) -> str:
    """Return what to tell of `error`. Of a fault of ours: where it is, but not its message, which may
    quote a person's data.
    """
    if isinstance(error, SesameError):
        return f"{error.sentence()} [{error.code}]"
    if isinstance(error, SettingInvalid | EmbeddedDatabaseFailed):
        return str(error)
    if isinstance(error, OSError):
        said = error.strerror or type(error).__name__
        return f"{error.filename}: {said}" if error.filename else said
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.OperationalError | psycopg.errors.UndefinedTable):
        return (
            "The database can't be reached, or isn't made yet. Check SESAME_DATABASE_URL, "
            "or run `sesame init`."
        )
    places = "\n  ".join(where_raised(error.__traceback__))
    return f"Unexpected {type(error).__name__}; please report these lines:\n  {places}"


def _language() -> Flask:
    """Return what gives sentences a language outside a request: the terminal's, or French."""
    app = Flask("sesame.cli")
    spoken = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    speak(app, lambda: "en" if spoken.startswith("en") else "fr")
    return app
