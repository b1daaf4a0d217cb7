"""`sesame script`: many commands in one process, for installers and season openings."""

import json
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from typing import TextIO

import click


def make_script_command(tree: Callable[[], click.Group]) -> click.Command:
    """Return the command that runs others out of the tree of commands."""

    @click.command("script")
    @click.argument("file", type=click.File(encoding="utf-8"))
    def script(file: TextIO) -> None:
        """Run the commands in FILE, one JSON array of arguments a line; stop at the first failure.

        Prints one JSON object a line: the command's number and what it printed. `-` reads standard
        input. Starting Python once instead of a hundred times is all that this saves.

        Example: echo '["ledger", "verify", "--json"]' | sesame script -
        """
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            arguments = _arguments(number, line)
            printed = StringIO()
            try:
                with redirect_stdout(printed):
                    answer = tree()(arguments, standalone_mode=False)
            except BaseException:
                # What it said before it failed is why it failed.
                click.echo(printed.getvalue(), err=True, nl=False)
                raise
            if isinstance(answer, int) and answer:
                raise click.ClickException(f"line {number} ended with {answer}")
            click.echo(json.dumps({"line": number, "output": printed.getvalue()}))

    return script


def _arguments(number: int, line: str) -> list[str]:
    """Return the line's arguments. Raises UsageError: they may be a person's, so it quotes none."""
    try:
        arguments = json.loads(line)
    except ValueError:
        arguments = None
    if not isinstance(arguments, list) or not all(isinstance(each, str) for each in arguments):
        raise click.UsageError(f"line {number} isn't a JSON array of arguments")
    return arguments
