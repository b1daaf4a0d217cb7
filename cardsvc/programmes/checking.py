"""Checking a programme's file: every problem at once, each with its line, path, code and sentence."""

from cardsvc.programmes.compiling import compile_document
from cardsvc.programmes.reading import read_programme_file
from cardsvc.programmes.reasons import ProgrammeFileInvalid
from cardsvc.programmes.rules import Programme
from cardsvc.programmes.sense import sense_problems
from cardsvc.programmes.shape import shape_problems


def check(raw: bytes) -> Programme:
    """Return the rules that a programme's file holds. No database is needed.

    Raises `ProgrammeFileInvalid` with every problem of the file.
    """
    written = read_programme_file(raw)
    problems = [*shape_problems(written), *sense_problems(written)]
    if problems:
        raise ProgrammeFileInvalid(problems)
    return compile_document(written.content, written.source)
