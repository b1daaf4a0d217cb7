"""What a phone asks over HTTP, signed in as the holder; and the keys that everybody may read."""

import base64
import re
from datetime import datetime, timedelta
from uuid import uuid4

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text

from cardsvc.cards import (
    block_card,
    current_card,
    declare_lost,
    phones_of,
    replace_card,
)
from cardsvc.credential.keys import IssuerKeys
from cardsvc.credential.token import verify_token
from sesame.platform.database import unit_of_work


@pytest.fixture
def browser(app, sign_in_as, beneficiary, issuer_key_id):
    """Zoé's browser, signed in."""
    client = app.test_client()
    client.get(f"/test/sign-in/{sign_in_as('beneficiary', beneficiary)}")
    return client


def csrf_of(client):
    page = client.get("/wallet").get_data(as_text=True)
    found = re.search(r'data-csrf="([^"]+)"|name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1] or found[2]


def post(client, path, body):
    return client.post(path, json=body, headers={"X-CSRFToken": csrf_of(client)})


def token_in(answer):
    text_ = answer["token"]
    return base64.urlsafe_b64decode(text_ + "=" * (-len(text_) % 4))


def test_a_phone_is_added_and_gets_a_token_that_the_published_keys_verify(browser, new_phone, at):
    phone = new_phone()
    answer = post(browser, "/api/v1/phone/keys", {"public_key": phone.jwk})
    assert answer.status_code == 201
    body = answer.get_json()
    assert body["issuer"] == "FR-VA"
    assert datetime.fromisoformat(body["expires_at"]) == at + timedelta(days=7)
    assert datetime.fromisoformat(body["now"]) == at
    assert re.fullmatch(r"[0-9]{4}", body["card"]["last_four"])
    published = browser.get("/api/v1/issuers").get_json()["issuers"]
    claims = verify_token(token_in(body), IssuerKeys.from_published(published), at)
    assert claims.expires_at == at + timedelta(days=7)
    assert claims.holder_public_key.public_numbers() == phone.key.public_key().public_numbers()


def test_a_phone_renews_its_token(browser, new_phone, clock):
    first = post(browser, "/api/v1/phone/keys", {"public_key": new_phone().jwk}).get_json()
    clock.advance(timedelta(days=5))
    answer = post(browser, "/api/v1/phone/tokens", {"phone_key_id": first["phone_key_id"]})
    assert answer.status_code == 201
    second = answer.get_json()
    assert second["phone_key_id"] == first["phone_key_id"]
    assert datetime.fromisoformat(second["expires_at"]) == clock.now() + timedelta(days=7)
    ids = {cbor2.loads(cbor2.loads(token_in(each)).value[2])[7] for each in (first, second)}
    assert len(ids) == 2


def bad_bodies(jwk):
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    wide = base64.urlsafe_b64encode(p384.x.to_bytes(48, "big")).rstrip(b"=").decode()
    return {
        "the private part": ({**jwk, "d": jwk["x"]}, "phone_key_private"),
        "another curve": ({**jwk, "crv": "P-384", "x": wide}, "phone_key_wrong_curve"),
        "P-256 in name only": ({**jwk, "x": wide}, "phone_key_malformed"),
        "off the curve": ({**jwk, "x": jwk["y"]}, "phone_key_malformed"),
    }


def test_a_bad_key_gets_its_code_and_a_sentence_and_nothing_is_written(
    browser, database, new_phone
):
    for case, (jwk, code) in bad_bodies(new_phone().jwk).items():
        answer = post(browser, "/api/v1/phone/keys", {"public_key": jwk})
        problem = answer.get_json()
        assert (answer.status_code, problem["code"]) == (422, code), case
        assert answer.mimetype == "application/problem+json"
        assert problem["title"].endswith(".")
        assert jwk["x"] not in answer.get_data(as_text=True)
    with unit_of_work(database) as session:
        assert session.scalar(text("SELECT count(*) FROM cardsvc.phone_key")) == 0


@pytest.mark.parametrize(
    "body",
    [{}, {"public_key": "text"}, {"public_key": {}, "more": 1}, {"public_key": None}],
    ids=["nothing", "text", "an unknown field", "null"],
)
def test_a_body_of_another_shape_is_refused(browser, body):
    answer = post(browser, "/api/v1/phone/keys", body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "input_invalid")


def test_somebody_elses_key_is_refused(app, browser, sign_in_as, add_beneficiary, new_phone):
    phone = new_phone()
    post(browser, "/api/v1/phone/keys", {"public_key": phone.jwk})
    other = app.test_client()
    max_ = add_beneficiary("MAX", "AUTRE")
    other.get(f"/test/sign-in/{sign_in_as('beneficiary', max_)}")
    answer = post(other, "/api/v1/phone/keys", {"public_key": phone.jwk})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "phone_key_taken")


def test_somebody_elses_phone_gets_no_token(
    app, browser, sign_in_as, add_beneficiary, new_phone, database
):
    first = post(browser, "/api/v1/phone/keys", {"public_key": new_phone().jwk}).get_json()
    other = app.test_client()
    max_ = add_beneficiary("MAX", "AUTRE")
    other.get(f"/test/sign-in/{sign_in_as('beneficiary', max_)}")
    for phone_key_id in (first["phone_key_id"], str(uuid4())):
        answer = post(other, "/api/v1/phone/tokens", {"phone_key_id": phone_key_id})
        assert (answer.status_code, answer.get_json()["code"]) == (404, "phone_unknown")
    with unit_of_work(database) as session:
        assert session.scalar(text("SELECT count(*) FROM cardsvc.token")) == 1


def test_the_fourth_phone_is_told_the_limit(browser, new_phone):
    for _ in range(3):
        added = post(browser, "/api/v1/phone/keys", {"public_key": new_phone().jwk})
        assert added.status_code == 201
    answer = post(browser, "/api/v1/phone/keys", {"public_key": new_phone().jwk})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "phone_limit_reached")
    assert "3" in answer.get_json()["title"]


def test_a_removed_phone_a_blocked_card_and_a_replaced_card_give_no_token(
    browser, beneficiary, database, new_phone, at
):
    first = post(browser, "/api/v1/phone/keys", {"public_key": new_phone().jwk}).get_json()
    second = post(browser, "/api/v1/phone/keys", {"public_key": new_phone().jwk}).get_json()

    def refusal_of(phone):
        answer = post(browser, "/api/v1/phone/tokens", {"phone_key_id": phone["phone_key_id"]})
        return answer.status_code, answer.get_json()["code"]

    removed = browser.post(
        f"/wallet/phones/{first['phone_key_id']}/remove", data={"csrf_token": csrf_of(browser)}
    )
    assert removed.status_code == 302
    assert refusal_of(first) == (409, "phone_key_revoked")
    with unit_of_work(database) as session:
        card = current_card(session, beneficiary)
        block_card(session, card.id, at, reason="holder_asked")
    assert refusal_of(second) == (409, "card_blocked")
    with unit_of_work(database) as session:
        declare_lost(session, card.id, at, reason="lost_by_holder")
    assert refusal_of(second) == (409, "card_lost")
    with unit_of_work(database) as session:
        replace_card(session, beneficiary, at + timedelta(hours=1))
    assert refusal_of(second) == (404, "phone_unknown")


def test_only_a_beneficiary_who_is_signed_in_gets_anything(app, sign_in_as, new_phone):
    body = {"public_key": new_phone().jwk}
    app.config["WTF_CSRF_ENABLED"] = False  # what is judged here is the role
    stranger = app.test_client()
    answer = stranger.post("/api/v1/phone/keys", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "not_signed_in")
    stranger.get(f"/test/sign-in/{sign_in_as('officer', None)}")
    for path in ("/api/v1/phone/keys", "/api/v1/phone/tokens"):
        answer = stranger.post(path, json=body)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "not_allowed")


def test_a_request_without_the_pages_token_is_refused(browser, new_phone, database):
    answer = browser.post("/api/v1/phone/keys", json={"public_key": new_phone().jwk})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "form_expired")
    with unit_of_work(database) as session:
        assert session.scalar(text("SELECT count(*) FROM cardsvc.phone_key")) == 0


def test_the_published_keys_may_be_kept_for_a_while_and_are_asked_again_cheaply(app, issuer_key_id):
    client = app.test_client()
    answer = client.get("/api/v1/issuers")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    [issuer] = answer.get_json()["issuers"]
    assert issuer["issuer"] == "FR-VA"
    [key] = issuer["keys"]
    assert key["kid"] == issuer_key_id
    assert set(key["jwk"]) == {"kty", "crv", "x", "y"}
    again = client.get("/api/v1/issuers", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_clock_is_the_servers(app, clock):
    clock.advance(timedelta(hours=3))
    answer = app.test_client().get("/api/v1/phone/clock")
    assert datetime.fromisoformat(answer.get_json()["now"]) == clock.now()


def test_only_a_beneficiary_sees_a_card(app, sign_in_as):
    client = app.test_client()
    client.get(f"/test/sign-in/{sign_in_as('officer', None)}")
    for path in ("/wallet", "/wallet/me"):
        assert client.get(path).status_code == 403


def test_nobody_removes_somebody_elses_phone_by_its_address(
    app, browser, sign_in_as, add_beneficiary, beneficiary, database, new_phone
):
    added = post(browser, "/api/v1/phone/keys", {"public_key": new_phone().jwk}).get_json()
    other = app.test_client()
    max_ = add_beneficiary("MAX", "AUTRE")
    other.get(f"/test/sign-in/{sign_in_as('beneficiary', max_)}")
    answer = other.post(
        f"/wallet/phones/{added['phone_key_id']}/remove", data={"csrf_token": csrf_of(other)}
    )
    assert answer.status_code == 404
    with unit_of_work(database) as session:
        assert len(phones_of(session, beneficiary)) == 1


@pytest.fixture
def other_phone(app, database, browser, beneficiary, clock):
    """Zoé's second phone, signed in as well."""
    clock.advance(timedelta(minutes=1))
    with unit_of_work(database) as session:
        identity = session.scalar(
            text("SELECT id FROM platform.identity WHERE subject_id = :id"), {"id": beneficiary}
        )
    client = app.test_client()
    client.get(f"/test/sign-in/{identity}")
    return client


def remove(client, phone):
    path = f"/wallet/phones/{phone['phone_key_id']}/remove"
    assert client.post(path, data={"csrf_token": csrf_of(client)}).status_code == 302


def put_back(client, csrf, jwk):
    answer = client.post(
        "/api/v1/phone/keys", json={"public_key": jwk}, headers={"X-CSRFToken": csrf}
    )
    return answer.status_code, answer.get_json().get("code")


def test_a_phone_that_another_one_removed_is_signed_out_and_cannot_put_the_card_back(
    browser, other_phone, new_phone, beneficiary, database
):
    stolen = post(browser, "/api/v1/phone/keys", {"public_key": new_phone().jwk}).get_json()
    csrf = csrf_of(browser)
    post(other_phone, "/api/v1/phone/keys", {"public_key": new_phone().jwk})
    remove(other_phone, stolen)
    assert put_back(browser, csrf, new_phone().jwk) == (401, "not_signed_in")
    assert other_phone.get("/wallet").status_code == 200
    with unit_of_work(database) as session:
        assert len(phones_of(session, beneficiary)) == 1


def test_a_phone_that_removes_itself_stays_signed_in(browser, other_phone, new_phone):
    own = post(browser, "/api/v1/phone/keys", {"public_key": new_phone().jwk}).get_json()
    csrf = csrf_of(browser)
    remove(browser, own)
    assert put_back(browser, csrf, new_phone().jwk) == (201, None)
    assert other_phone.get("/wallet").status_code == 200


def test_a_phone_is_signed_out_in_the_session_that_it_last_sent_its_key_in(
    browser, other_phone, new_phone
):
    jwk = new_phone().jwk
    phone = post(browser, "/api/v1/phone/keys", {"public_key": jwk}).get_json()
    again = post(other_phone, "/api/v1/phone/keys", {"public_key": jwk}).get_json()
    assert again["phone_key_id"] == phone["phone_key_id"]
    csrf = csrf_of(other_phone)
    remove(browser, phone)
    assert put_back(other_phone, csrf, new_phone().jwk) == (401, "not_signed_in")
