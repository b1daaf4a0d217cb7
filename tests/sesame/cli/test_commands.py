"""Every command of the tree: its help has an example; its failures are sentences."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from sesame.cli import main as run_main
from sesame.cli.main import command_tree
from sesame.platform import command
from sesame.platform.database.connection import OWNER_ROLE
from sesame.platform.problems import NotFound


def leaves(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, each in group.commands.items():
        if isinstance(each, click.Group):
            yield from leaves(each, (*path, name))
        else:
            yield (*path, name), each


TREE = dict(leaves(command_tree()))


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_has_help_with_an_example_that_it_would_take(path):
    done = CliRunner().invoke(command_tree(), [*path, "--help"])
    assert done.exit_code == 0
    example = re.search(r"Examples?:(.*)", done.output, re.DOTALL)
    assert example, done.output
    assert f"sesame {' '.join(path)}" in " ".join(example[1].split()), done.output
    words = shlex.split(" ".join(TREE[path].help.split("Example", 1)[1].split()))
    known = {
        name for option in TREE[path].params for name in (*option.opts, *option.secondary_opts)
    }
    for word in words:
        if word.startswith("--"):
            assert word.split("=")[0].rstrip(".,") in known, word


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_option_says_what_it_is_for(path):
    for option in TREE[path].params:
        if isinstance(option, click.Option) and not isinstance(option.type, click.Choice):
            assert option.help, option.name


def fail_with(monkeypatch, capsys, failure: BaseException) -> tuple[int, str]:
    """Run `sesame settings` with `failure` in the middle of it."""

    def broken():
        raise failure

    monkeypatch.setattr("sesame.cli.installation.load_settings", broken)
    monkeypatch.setattr("sys.argv", ["sesame", "settings"])
    with pytest.raises(SystemExit) as left:
        run_main()
    return left.value.code, capsys.readouterr().err


def test_a_domain_error_is_its_sentence_and_code(monkeypatch, capsys):
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    code, said = fail_with(monkeypatch, capsys, NotFound())
    assert (code, said) == (1, "Cette page ou cet élément n'existe pas. [not_found]\n")


def test_it_speaks_the_terminals_language(monkeypatch, capsys):
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    _code, said = fail_with(monkeypatch, capsys, NotFound())
    assert said == "This page or item doesn't exist. [not_found]\n"


def test_a_fault_of_ours_says_where_and_repeats_nothing(monkeypatch, capsys):
    code, said = fail_with(monkeypatch, capsys, ValueError("Camille Durand, 3 mai 2009"))
    assert code == 1
    assert said.startswith("Unexpected ValueError")
    assert "installation.py" in said
    assert "Camille" not in said
    assert "Traceback" not in said


def test_a_file_that_is_not_there_is_named(monkeypatch, capsys):
    code, said = fail_with(monkeypatch, capsys, FileNotFoundError(2, "No such file", "/srv/x"))
    assert (code, said) == (1, "/srv/x: No such file\n")


def test_ctrl_c_leaves_quietly(monkeypatch, capsys):
    code, said = fail_with(monkeypatch, capsys, KeyboardInterrupt())
    assert (code, said.strip()) == (130, "")


def test_what_a_command_leaves_with_is_the_programs_status(monkeypatch, capsys):
    code, _said = fail_with(monkeypatch, capsys, click.exceptions.Exit(3))
    assert code == 3


def test_a_wrong_option_says_so(sesame):
    done = sesame("settings", "--jsno")
    assert done.returncode == 2
    assert "--jsno" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("path", [["staff", "list"], ["worker"]], ids=" ".join)
@pytest.mark.parametrize("name", ["no_such_database", "postgres"], ids=["missing", "empty"])
def test_a_database_that_is_not_made_yet_says_what_to_run(sesame, server, path, name):
    done = sesame(*path, SESAME_DATABASE_URL=server.url(OWNER_ROLE, name))
    assert done.returncode == 1
    assert "sesame init" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_process_of_a_command_is_read_once(monkeypatch, settings):
    monkeypatch.setenv("SESAME_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("SESAME_DATABASE_URL", settings.database_url)
    command.process.cache_clear()
    try:
        assert command.process() is command.process()
    finally:
        command.process().database.dispose()
        command.process.cache_clear()
