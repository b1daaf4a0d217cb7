"""Reading a programme's YAML to the letter: every value is text, every value knows its line.

Types are not guessed (`01` stays `01`, `70.00` is never a float), and what would hide a rule from
its reader (aliases, merges, tags, a key written twice) is refused. Limits come before parsing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from cardsvc.programmes.reasons import Problem, ProgrammeFileInvalid
from cardsvc.programmes.wording import _

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Written:
    """A file as it was written. content: dicts, lists and texts. lines: the line (from 1) of each
    path; a mapping's field has the line of its key.
    """

    content: Any
    lines: dict[Path, int]
    source: str

    def line_of(self, path: Path) -> int:
        """Return the line of `path`, or of the nearest of its parents that was written."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


@dataclass
class _Reader:
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def value(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Any:
        self.lines.setdefault(path, _line(event))
        if len(path) > MAX_DEPTH:
            raise _refused("yaml_too_deep", path, event, _("L'imbrication est trop profonde."))
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused(
                "alias_forbidden",
                path,
                event,
                _("Les ancres et les alias (& et *) ne sont pas acceptés : écrivez la valeur."),
            )
        if getattr(event, "tag", None) not in (None, "!"):
            raise _refused(
                "tag_forbidden", path, event, _("Les étiquettes (!…) ne sont pas acceptées.")
            )
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(events, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(events, path)
        return event.value  # type: ignore[attr-defined]

    def mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _refused(
                    "yaml_invalid", path, event, _("Un nom de champ doit être un mot simple.")
                )
            key = event.value
            line = _line(event)
            where = (*path, key)
            if key in found:
                self.problems.append(
                    Problem(
                        "duplicate_key",
                        line,
                        where,
                        _(
                            "« %(field)s » est écrit deux fois (déjà ligne %(first)s).",
                            field=key,
                            first=self.lines[where],
                        ),
                    )
                )
            else:
                self.lines[where] = line
            read = self.value(next(events), events, where)
            found.setdefault(key, read)
        return found

    def sequence(self, events: Iterator[yaml.Event], path: Path) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            found.append(self.value(event, events, (*path, len(found))))
        return found


def read_programme_file(raw: bytes) -> Written:
    """Return what a programme's file says, as texts. Raises `ProgrammeFileInvalid`."""
    if len(raw) > MAX_BYTES:
        raise _invalid(
            "file_too_large",
            1,
            _("Le fichier dépasse %(limit)s Kio.", limit=MAX_BYTES // 1024),
        )
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _invalid("not_utf8", line, _("Le fichier n'est pas en UTF-8.")) from None
    reader = _Reader()
    try:
        content = _document(source, reader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or ""
        raise _invalid(
            "yaml_invalid",
            mark.line + 1 if mark else 1,
            _("Ce n'est pas du YAML lisible : %(what)s.", what=what),
        ) from None
    if reader.problems:
        raise ProgrammeFileInvalid(reader.problems)
    return Written(content, reader.lines, source)


def _document(source: str, reader: _Reader) -> Any:
    events = iter(yaml.parse(source, Loader=yaml.SafeLoader))
    documents: list[Any] = []
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if documents:
                raise _refused(
                    "yaml_several_documents",
                    (),
                    event,
                    _("Un fichier décrit un seul dispositif (un seul document YAML)."),
                )
            documents.append(reader.value(next(events), events, ()))
    if not documents:
        raise _invalid("yaml_invalid", 1, _("Le fichier est vide."))
    return documents[0]


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def _refused(code: str, path: Path, event: yaml.Event, sentence: str) -> ProgrammeFileInvalid:
    return ProgrammeFileInvalid([Problem(code, _line(event), path, sentence)])


def _invalid(code: str, line: int, sentence: str) -> ProgrammeFileInvalid:
    return ProgrammeFileInvalid([Problem(code, line, (), sentence)])
