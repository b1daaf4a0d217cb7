"""A phone that was lost pays until its holder has a new code, and not a moment longer."""

import hashlib
import hmac
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import html

from cardsvc.credential.keys import public_key_to_jwk
from cardsvc.schools.codes import new_code
from sesame.platform.keys import secret_bytes

SCHOOL = (
    "INSERT INTO cardsvc.school (id, uai, name, kind, nature_code, sector, address, postal_code, "
    "town, insee, department, academy, state, recorded_at) VALUES (%s, '0690026D', 'Lumières', "
    "'general', '302', 'public', '1 rue A', '69001', 'Lyon', '69381', '69', 'Lyon', 'open', %s) "
    "ON CONFLICT (uai) DO UPDATE SET name = excluded.name RETURNING id"
)
CODE = (
    "INSERT INTO cardsvc.roll_code (id, beneficiary_id, school_id, code_hash, created_at, "
    "expires_at) VALUES (%s, %s, %s, %s, %s, %s) RETURNING id"
)


@pytest.fixture
def print_code(town):
    """A code for a pupil, as a sheet has it; only its keyed hash is kept."""

    def make(beneficiary_id):
        at, code = town.clock.now(), new_code()
        ((school_id,),) = town.sql(SCHOOL, uuid4(), at)
        key = secret_bytes(town.settings, "roll-codes")
        digest = hmac.new(key, code.replace("-", "").encode(), hashlib.sha256).digest()
        town.sql(CODE, uuid4(), beneficiary_id, school_id, digest, at, at + timedelta(days=60))
        return code

    return make


def open_card(town, code):
    """Type the code in a new browser; give its client."""
    client = town.app.test_client()
    page = html.fromstring(client.get("/enrol").data)
    token = page.xpath("//main//input[@name='csrf_token']/@value")[0]
    answer = client.post("/enrol", data={"csrf_token": token, "code": code})
    assert (answer.status_code, answer.location) == (303, "/wallet")
    return client


def put_card_on(client):
    """Let the wallet make its key; give the status of what the server answers."""
    jwk = public_key_to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
    csrf = html.fromstring(client.get("/wallet").data).xpath("//@data-csrf")[0]
    answer = client.post(
        "/api/v1/phone/keys", json={"public_key": jwk}, headers={"X-CSRFToken": csrf}
    )
    return answer.status_code


def test_a_lost_phones_fresh_codes_are_refused_once_its_holder_used_a_new_code(town, print_code):
    student = town.student
    lost = open_card(town, print_code(student.id))
    assert town.answer(("books", 100))["outcome"] == "approved"
    found = open_card(town, print_code(student.id))
    assert town.refusal(("books", 100), qr=student.qr(town.clock.now())) == ["phone_revoked"]
    assert lost.get("/wallet").status_code == 303
    assert put_card_on(found) == 201
    assert town.sql(
        "SELECT k.state, count(*) FROM cardsvc.phone_key k JOIN cardsvc.card c ON c.id = k.card_id"
        " WHERE c.beneficiary_id = %s GROUP BY 1 ORDER BY 1",
        student.id,
    ) == [("active", 1), ("revoked", 1)]


def test_a_first_code_takes_the_card_off_no_phone(town, print_code):
    open_card(town, print_code(town.student.id))
    assert town.answer(("books", 100))["outcome"] == "approved"
