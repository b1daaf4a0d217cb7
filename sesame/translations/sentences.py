"""Finds the sentences in a Python file: what gettext is called with, and the reasons' sentences."""

import ast
from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from typing import Any, BinaryIO, cast

from babel.messages.extract import extract_python

# Reason(code, status, sentence, holder): the last two are shown to people.
_REASON_SENTENCES = {2: "sentence", 3: "holder"}

Found = tuple[int, str, Any, list[str]]


def extract(
    fileobj: BinaryIO,
    keywords: Mapping[str, Any],
    comment_tags: Collection[str],
    options: Mapping[str, Any],
) -> Iterator[Found]:
    """Yield (line, function, message, comments), as Babel asks of an extraction method.

    Beside gettext's calls: the sentences of `Reason(…)`, which are declared without one because they
    are translated when they are shown. Raises SyntaxError for a file that isn't Python.
    """
    source = fileobj.read()
    called = extract_python(BytesIO(source), keywords, comment_tags, {"encoding": "utf-8"})
    yield from cast(Iterator[Found], called)  # Babel's own annotation names other things
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _name(node.func) == "Reason":
            for sentence in _sentences(node):
                yield node.lineno, "gettext", sentence, []


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def _sentences(call: ast.Call) -> Iterator[str]:
    given = {position: value for position, value in enumerate(call.args)}
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    for position, name in _REASON_SENTENCES.items():
        value = given.get(position, named.get(name))
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
            yield value.value
