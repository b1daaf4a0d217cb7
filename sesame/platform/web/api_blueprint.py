"""A blueprint of JSON resources whose bodies come from strangers."""

import json
from typing import Any

from flask import Request
from flask_smorest import Blueprint
from webargs.flaskparser import FlaskParser


class _BodyParser(FlaskParser):
    """Answers 400 to what Python's decoder refuses in other ways than as broken JSON.

    Thousands of nested arrays are a RecursionError there, and a number of thousands of digits a plain
    ValueError: both would be an error of ours.
    """

    def _raw_load_json(self, req: Request) -> Any:
        try:
            return super()._raw_load_json(req)
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError):
            raise json.JSONDecodeError("too deep or too large", doc="...", pos=0) from None


class ApiBlueprint(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A flask-smorest blueprint; its arguments are read by `_BodyParser`."""

    ARGUMENTS_PARSER = _BodyParser()
