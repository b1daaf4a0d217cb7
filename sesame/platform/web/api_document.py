"""The API's document (OpenAPI): its error responses are the problems that we really answer."""

from http import HTTPStatus

from flask_smorest import Api
from flask_smorest.utils import prepare_response
from marshmallow import Schema, fields


class ProblemSchema(Schema):
    """Problem details (RFC 9457), as `errors.problem` writes them; figures may stand beside."""

    type = fields.String(required=True, metadata={"example": "/api/problems/input_invalid"})
    title = fields.String(
        required=True,
        metadata={"description": "A sentence for a person, in the request's language."},
    )
    status = fields.Integer(required=True)
    code = fields.String(
        required=True, metadata={"description": "Stable: what a program decides on."}
    )
    instance = fields.String(required=True)
    fields_ = fields.Dict(
        data_key="fields",
        metadata={"description": "What is wrong with which field, for `input_invalid`."},
    )


class ProblemApi(Api):  # type: ignore[misc]  # flask-smorest has no types
    """The API's document, whose error responses are the problems that we really answer."""

    ERROR_SCHEMA = ProblemSchema

    def _register_responses(self) -> None:
        named = [(status.name, status.phrase) for status in HTTPStatus if status >= 400]
        for name, phrase in [*named, ("DEFAULT_ERROR", "A problem; its code says which.")]:
            response = {"description": phrase, "schema": ProblemSchema}
            prepare_response(response, self.spec, "application/problem+json")
            self.spec.components.response(name, response, lazy=True)
