"""The API's document: valid, and true of what the server really does."""

import io
import json
import re

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator

PATH = "/api/v1/purchases"
# For each operation, well-formed and ill-formed; the purchase gets more of both.
CASES, CASES_OF_A_PURCHASE = 10, 60


@pytest.fixture
def document(town):
    return town.app.test_client().get("/api/openapi.json").get_json()


@pytest.fixture
def conforms(document):
    """Check that an answer is what the document says of it: status, media type and content."""

    def check(response, operation):
        documented = operation["responses"]
        said = documented.get(str(response.status_code)) or documented["default"]
        said = resolved(document, said)
        (media_type,) = said["content"]
        assert response.mimetype == media_type
        schema = {**said["content"][media_type]["schema"], "components": document["components"]}
        jsonschema.validate(response.get_json(), schema)

    return check


def resolved(document, node):
    while "$ref" in node:
        found = document
        for name in node["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        node = found
    return node


def test_the_document_is_valid_openapi(document):
    assert document["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_a_purchase_needs_a_key_and_a_body(document):
    post = document["paths"][PATH]["post"]
    (key,) = [each for each in post["parameters"] if each["in"] == "header"]
    assert (key["name"], key["required"]) == ("Idempotency-Key", True)
    accepted = re.compile(key["schema"]["pattern"])
    assert accepted.search("0198c5a4-0000-7000-8000-000000000000")
    assert not accepted.search("seven77")
    assert post["requestBody"]["required"]


def test_every_operation_says_that_its_errors_are_problems(document):
    methods = {"get", "post", "put", "patch", "delete"}
    operations = [
        operation
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in methods
    ]
    assert operations
    for operation in operations:
        assert "default" in operation["responses"]
        for status, response in operation["responses"].items():
            if status == "default" or status >= "400":
                content = resolved(document, response)["content"]
                assert list(content) == ["application/problem+json"]
                problem = resolved(document, content["application/problem+json"]["schema"])
                assert {"type", "title", "status", "code"} <= set(problem["required"])


def test_no_pattern_is_one_that_only_python_reads(document):
    # ECMA-262, which JSON Schema's patterns are written in, has no \A and no \Z.
    patterns = re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(document))
    assert patterns
    assert [each for each in patterns if re.search(r"\\[AZ]", json.loads(each))] == []


def test_what_is_answered_is_what_the_document_says(town, document, conforms):
    purchase = document["paths"][PATH]["post"]
    till = town.add_till()
    basket = town.basket(("textbooks", 500))
    statuses = []
    for response in (
        till.post(basket, "a-sale-0001"),
        till.post(basket, "a-sale-0001"),
        town.buy(("books", 1_500), partial=True),
        town.buy(("cinema", 100)),
        till.post(basket | {"accept_partial": True}, "a-sale-0001"),
        till.post({}, "a-sale-0002"),
        till.post(b"{", "a-sale-0003"),
        till.post(basket, "short"),
        till.send(b"{}", {}),
    ):
        conforms(response, purchase)
        statuses.append(response.status_code)
    assert statuses == [201, 200, 201, 201, 409, 422, 400, 400, 401]
    found = document["paths"][f"{PATH}/by-key/{{key}}"]["get"]
    for response, status in ((till.by_key("a-sale-0001"), 200), (till.by_key("a-sale-9999"), 404)):
        conforms(response, found)
        assert response.status_code == status


def signing(till):
    """The application behind a till that signs whatever is sent through it."""

    def through_the_till(environ, start_response):
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(raw)
        try:
            headers = till.headers(
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"],
                raw,
                environ.get("HTTP_IDEMPOTENCY_KEY"),
            )
        except ValueError:
            headers = {}  # what can't be signed is sent as it is
        for name, value in headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return till.app(environ, start_response)

    return through_the_till


def test_nothing_that_the_document_allows_or_forbids_is_an_error_of_ours(town):
    api = schemathesis.openapi.from_wsgi("/api/openapi.json", signing(town.add_till()))
    answered = []

    def send(case):
        response = case.call()
        answered.append((case.operation.label, response.status_code))
        assert response.status_code < 500, (case.as_curl_command(), response.text)
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"]
            assert response.json()["code"]

    for each in api.get_all_operations():
        operation = each.ok()
        modes = [schemathesis.GenerationMode.POSITIVE]
        if operation.body:
            modes.append(schemathesis.GenerationMode.NEGATIVE)
        bounded = settings(
            max_examples=CASES_OF_A_PURCHASE if operation.label == f"POST {PATH}" else CASES,
            database=None,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        for mode in modes:
            bounded(given(case=operation.as_strategy(generation_mode=mode))(send))()
    reached = {status for label, status in answered if label == f"POST {PATH}"}
    # Well-formed baskets with an invented code are decided (refused) and kept, the others rejected.
    assert {201, 422} <= reached
    assert len(answered) >= CASES_OF_A_PURCHASE
