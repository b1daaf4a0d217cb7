"""What isn't a purchase: a clear problem with a stable code, and not one row changed."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

LINE = {"category": "textbooks", "amount_cents": 500}
PATH = "/api/v1/purchases"


@pytest.fixture
def problem(town):
    """Send what `send()` sends; the problem's body, once it is sure that nothing has changed."""

    def check(send, status, code):
        _ = town.till, town.student
        before = town.everything()
        response = send()
        text = response.get_data(as_text=True)
        assert (response.status_code, response.get_json()["code"]) == (status, code), text
        assert response.mimetype == "application/problem+json"
        body = response.get_json()
        assert body["status"] == status
        assert body["type"] == f"/api/problems/{code}"
        assert body["title"].strip()
        assert "Traceback" not in text
        assert ".py" not in text
        assert town.everything() == before
        return body

    return check


@pytest.fixture
def rejected(town, problem):
    """Post a basket with fields changed (None: left out); what is said about the fields."""

    def check(**changed):
        basket = town.basket(("textbooks", 500)) | changed
        body = {name: value for name, value in basket.items() if value is not MISSING}
        return problem(lambda: town.till.post(body), 422, "input_invalid")["fields"]

    return check


MISSING = object()


@pytest.mark.parametrize(
    "amount",
    [0, -1, -500, 10_000_000_001, 2**63, 10**30, 10**300],
    ids=["nothing", "a cent back", "money back", "a cent too much", "2^63", "10^30", "10^300"],
)
def test_an_amount_out_of_range_is_refused(rejected, amount):
    fields = rejected(lines=[LINE | {"amount_cents": amount}])
    assert fields == {"lines": {"0": {"amount_cents": ["amount_out_of_range"]}}}


@pytest.mark.parametrize(
    "amount", [5.0, 5.5, 0.1, "500", "5,00", "", True, None, [], {}, float("nan"), float("inf")]
)
def test_an_amount_that_is_no_integer_is_refused(rejected, amount):
    fields = rejected(lines=[LINE | {"amount_cents": amount}])
    assert list(fields["lines"]["0"]) == ["amount_cents"]


def test_a_total_beyond_a_price_is_refused_though_no_line_is(rejected):
    lines = [LINE | {"amount_cents": 10_000_000_000}, LINE | {"amount_cents": 1}]
    assert rejected(lines=lines) == {"lines": ["amount_out_of_range"]}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"category": "Textbooks"}, "category"),
        ({"category": "a"}, "category"),
        ({"category": "a" * 41}, "category"),
        ({"category": "textbooks\n"}, "category"),
        ({"category": "livres'; --"}, "category"),
        ({"category": 5}, "category"),
        ({"category": None}, "category"),
        ({"ean": "123"}, "ean"),
        ({"ean": "97820706127580"}, "ean"),
        ({"ean": "978207061275\n"}, "ean"),
        ({"ean": "٩٧٨٢٠٧٠٦١٢٧٥٨"}, "ean"),
        ({"ean": 9782070612758}, "ean"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": 1_000}, "quantity"),
        ({"quantity": 1.0}, "quantity"),
        ({"quantity": "2"}, "quantity"),
        ({"price": 500}, "price"),
    ],
)
def test_a_line_with_a_wrong_field_is_refused_by_the_fields_name(rejected, change, name):
    fields = rejected(lines=[LINE, LINE | change])
    assert list(fields["lines"]) == ["1"]
    assert list(fields["lines"]["1"]) == [name]


@pytest.mark.parametrize("missing", ["category", "amount_cents"])
def test_a_line_without_a_required_field_is_refused(rejected, missing):
    line = {name: value for name, value in LINE.items() if name != missing}
    assert list(rejected(lines=[line])["lines"]["0"]) == [missing]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lines", []),
        ("lines", [LINE] * 51),
        ("lines", MISSING),
        ("lines", None),
        ("lines", {"0": LINE}),
        ("lines", "textbooks"),
        ("lines", ["textbooks"]),
        ("qr", MISSING),
        ("qr", None),
        ("qr", ""),
        ("qr", 12),
        ("qr", ["SES1:"]),
        ("qr", "A" * 4_097),
        ("currency", "USD"),
        ("currency", "eur"),
        ("currency", None),
        ("currency", 978),
        ("accept_partial", "maybe"),
        ("accept_partial", "true"),
        ("accept_partial", 2),
        ("accept_partial", None),
        ("merchant_id", "7f3c"),
        ("at", "2026-11-24T09:00:00Z"),
        ("__proto__", {}),
        ("\ud800", 1),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(rejected, name, value):
    assert list(rejected(**{name: value})) == [name]


def test_what_was_typed_is_not_said_again(town, problem):
    basket = town.basket(("textbooks", 500), qr="SECRET-" + "A" * 5_000)
    body = problem(lambda: town.till.post(basket), 422, "input_invalid")
    assert "SECRET" not in json.dumps(body)


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "bad_request"),
        (b"not json", 400, "bad_request"),
        (b"\xff\xfe{\x00}\x00", 400, "bad_request"),
        (b'{"qr": "\xe9"}', 400, "bad_request"),
        (b'{"qr": "x", "lines": [' + b"9" * 5_000 + b"]}", 400, "bad_request"),
        (b"[" * 10_000, 400, "bad_request"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 400, "bad_request"),
        (b"null", 422, "input_invalid"),
        (b"[]", 422, "input_invalid"),
        (b'"text"', 422, "input_invalid"),
        (b"12", 422, "input_invalid"),
        (b"{}", 422, "input_invalid"),
        (b"", 422, "input_invalid"),
    ],
    ids=lambda value: value[:8].hex() if isinstance(value, bytes) else None,
)
def test_a_body_that_is_no_object_of_ours_is_refused(town, problem, raw, status, code):
    problem(lambda: town.till.post(raw), status, code)


def test_a_body_of_a_megabyte_is_refused_before_it_is_believed(town, problem):
    problem(lambda: town.till.post(b" " * 1_000_000), 413, "too_large")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"]
)
def test_a_body_of_another_type_is_refused(town, problem, content_type):
    raw = json.dumps(town.basket(("textbooks", 500))).encode()
    headers = town.till.headers("POST", PATH, raw, "a-sale-0001")
    problem(lambda: town.till.send(raw, headers, content_type=content_type), 422, "input_invalid")


# The key.


def test_a_sale_without_a_key_is_refused(town, problem):
    raw = json.dumps(town.basket(("textbooks", 500))).encode()
    headers = town.till.headers("POST", PATH, raw, None)
    problem(lambda: town.till.send(raw, headers), 400, "idempotency_key_missing")


@pytest.mark.parametrize(
    "key", ["a", "1234567", "a" * 129, "with space", "with/slash", "with?mark", "with%2fslash"]
)
def test_a_key_that_could_not_be_looked_up_is_refused(town, problem, key):
    basket = town.basket(("textbooks", 500))
    problem(lambda: town.till.post(basket, key), 400, "idempotency_key_missing")


@pytest.mark.parametrize(
    "key", ["12345678", "a" * 128, "Sale-1.of~the_day:7", "4741532b-81b8-47a6-8da1-c72ca6979eea"]
)
def test_a_key_that_is_taken_is_found_again(town, key):
    till = town.add_till()
    sold = town.answer(("textbooks", 500), key=key, till=till)
    assert till.by_key(key).get_json() == sold


# The signature.


def test_an_unsigned_request_is_refused(town, problem):
    raw = json.dumps(town.basket(("textbooks", 500))).encode()
    headers = {"Idempotency-Key": "a-sale-0001"}
    problem(lambda: town.till.send(raw, headers), 401, "request_unsigned")
    problem(lambda: town.till.send(b"\x00", {}), 401, "request_unsigned")


def test_a_lost_answer_is_not_given_to_an_unsigned_request(town, problem):
    town.answer(("textbooks", 500), key="a-sale-0002")
    client = town.app.test_client()
    problem(lambda: client.get(f"{PATH}/by-key/a-sale-0002"), 401, "request_unsigned")


def test_a_request_altered_on_the_way_is_refused(town, problem):
    raw = json.dumps(town.basket(("textbooks", 500))).encode()
    headers = town.till.headers("POST", PATH, raw, "a-sale-0001")
    dearer = raw.replace(b"500", b"900")
    problem(lambda: town.till.send(dearer, headers), 401, "request_digest_mismatch")
    key = headers | {"Idempotency-Key": "a-sale-0002"}
    problem(lambda: town.till.send(raw, key), 401, "request_signature_invalid")
    bare = {name: value for name, value in headers.items() if name != "Content-Digest"}
    problem(lambda: town.till.send(raw, bare), 401, "request_signature_malformed")
    keyless = {name: value for name, value in headers.items() if name != "Idempotency-Key"}
    problem(lambda: town.till.send(raw, keyless), 401, "request_signature_malformed")


def test_a_request_signed_for_another_path_is_refused(town, problem):
    raw = json.dumps(town.basket(("textbooks", 500))).encode()
    elsewhere = town.till.headers("POST", "/api/v1/refunds", raw, "a-sale-0001")
    problem(lambda: town.till.send(raw, elsewhere), 401, "request_signature_invalid")
    headers = town.till.headers("POST", PATH, raw, "a-sale-0001")
    with_query = f"{PATH}?accept_partial=true"
    problem(
        lambda: town.till.send(raw, headers, path=with_query), 401, "request_signature_malformed"
    )


def test_a_request_signed_by_another_tills_key_is_refused(town, problem):
    other = town.add_till()
    basket = town.basket(("textbooks", 500))
    problem(lambda: town.till.post(basket, signed_by=other.key), 401, "request_signature_invalid")


@pytest.mark.parametrize("seconds", [-121, 121])
def test_a_request_signed_at_another_time_is_refused_and_told_the_right_one(town, problem, seconds):
    basket = town.basket(("textbooks", 500))
    created = town.clock.now() + timedelta(seconds=seconds)
    body = problem(
        lambda: town.till.post(basket, created=created), 401, "request_signature_expired"
    )
    assert body["server_time"] == town.clock.now().isoformat()


def test_a_terminal_that_nobody_enrolled_is_refused(town, problem):
    stranger = town.add_till()
    stranger.id, stranger.key = uuid4(), ec.generate_private_key(ec.SECP256R1())
    basket = town.basket(("textbooks", 500))
    problem(lambda: stranger.post(basket), 401, "terminal_unknown")


def test_a_terminal_that_was_not_there_yet_is_refused(town, problem):
    till = town.add_till()
    town.clock.advance(timedelta(minutes=-2))
    basket = town.basket(("textbooks", 500))
    problem(lambda: till.post(basket), 401, "terminal_unknown")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_another_method_is_refused(town, problem, method):
    client = town.app.test_client()
    problem(lambda: getattr(client, method)(PATH), 405, "method_not_allowed")
