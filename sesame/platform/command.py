"""What a command of `sesame` needs of its process, and how it answers."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import click

from sesame.platform.clock import Clock, ShiftedClock, SystemClock
from sesame.platform.database import Database, open_database
from sesame.platform.scheme import SchemeMissing, current_scheme
from sesame.platform.settings import SettingInvalid, Settings, load_settings


@dataclass(frozen=True)
class Process:
    """One process of an installation: a command, a web process or a worker."""

    settings: Settings
    database: Database
    clock: Clock


@cache
def process(*, serving: bool = False) -> Process:
    """Return this process's settings, database and clock; read and opened the first time.

    serving: for a web process, which gives up a lock that others hold for long. Raises
    `SettingInvalid`, also when the clock is to be moved in a scheme that is in production.
    """
    settings = load_settings()
    database = open_database(settings, serving=serving)
    return Process(settings, database, clock_for(settings, database))


def clock_for(settings: Settings, database: Database) -> Clock:
    """Return the machine's clock, or the moved one of a demonstration scheme."""
    if settings.clock_file is None:
        return SystemClock()
    with database.sessions() as session:
        try:
            kind = current_scheme(session).kind
        except SchemeMissing:
            return SystemClock()
    if kind != "demonstration":
        raise SettingInvalid(
            "SESAME_CLOCK_FILE moves the clock, which only a demonstration scheme may do. Unset it."
        )
    return ShiftedClock(settings.clock_file)


def print_answer(answer: dict[str, Any] | list[Any], *, as_json: bool, text: str) -> None:
    """Print `answer` as JSON where a program reads, else `text`."""
    click.echo(json.dumps(answer, ensure_ascii=False, default=str) if as_json else text)
