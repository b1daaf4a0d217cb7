"""The card's page in a real browser: its key, its code, and every face that it can show."""

import hashlib
from datetime import timedelta
from io import BytesIO

import base45
import cbor2
import pytest
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import text

from cardsvc.cards import (
    block_card,
    current_card,
    declare_lost,
    enrol_phone,
    issuer_keys,
    phones_of,
    revoke_phone,
)
from cardsvc.credential.verify import verify_presentation
from sesame.platform.database import unit_of_work

READ_VAULT = """async () => {
  const open = indexedDB.open("sesame-card", 1);
  const database = await new Promise((done) => { open.onsuccess = () => done(open.result); });
  const all = database.transaction("phones").objectStore("phones").getAll();
  return await new Promise((done) => { all.onsuccess = () => done(all.result); });
}"""


@pytest.fixture
def wallet(open_phone, sign_in_as, beneficiary, issuer_key_id):
    """Zoé's phone on the page of her card."""
    page = open_phone(sign_in_as("beneficiary", beneficiary))
    page.goto("/wallet")
    return page


def code_of(page):
    return page.get_by_role("img", name="Code à présenter à la caisse")


def drawn(page):
    """What the code's path draws, to tell when another is drawn."""
    return code_of(page).locator("path").get_attribute("d")


def read_qr(page):
    """Read the code from a picture of the whole screen."""
    expect(code_of(page)).to_be_visible()
    picture = Image.open(BytesIO(page.screenshot()))
    [found] = zxingcpp.read_barcodes(picture)
    return found.text


def es256_is_valid(public_key, signature, message):
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    public_key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


def verify_by_the_document(qr, issuer_public_key):
    """Verify a QR with libraries alone, as docs/credential.md says; give (claims, time, nonce)."""
    assert qr.startswith("SES1:")
    version, token, proof = cbor2.loads(base45.b45decode(qr[5:]))
    assert version == 1
    protected, unprotected, payload, signature = cbor2.loads(token).value
    assert unprotected == {}
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    es256_is_valid(issuer_public_key, signature, signed)
    claims = cbor2.loads(payload)
    holder = claims[8][1]
    point = bytes([3 if holder[-3] else 2]) + holder[-2]
    phone_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    protected, unprotected, payload, signature = cbor2.loads(proof).value
    assert cbor2.loads(protected) == {1: -7}
    assert unprotected == {}
    signed = cbor2.dumps(["Signature1", protected, hashlib.sha256(token).digest(), payload])
    es256_is_valid(phone_key, signature, signed)
    time, nonce = cbor2.loads(payload)
    return claims, time, nonce


def public_keys(database):
    with unit_of_work(database) as session:
        return issuer_keys(session)


def test_a_first_visit_puts_the_card_on_the_phone_and_shows_a_code_that_verifies(
    wallet, database, issuer_key_id, at
):
    qr = read_qr(wallet)
    issuers = public_keys(database)
    verified = verify_presentation(qr, issuers, at)
    key = issuers.public_key("FR-VA", bytes.fromhex(issuer_key_id))
    claims, time, nonce = verify_by_the_document(qr, key)
    assert claims[7] == verified.claims.token_id
    assert time == int(at.timestamp())
    assert len(nonce) == 8
    with unit_of_work(database) as session:
        row = session.execute(
            text(
                "SELECT t.token_id, c.number FROM cardsvc.token t "
                "JOIN cardsvc.card c ON c.id = t.card_id"
            )
        ).one()
    assert row.token_id == claims[7]
    expect(wallet.get_by_text(row.number[-4:])).to_be_visible()
    expect(wallet.get_by_text("Zoé E.").first).to_be_visible()
    expect(wallet.get_by_text("Lycéen·ne · 2026-2027")).to_be_visible()
    expect(
        wallet.get_by_text("Carte active").or_(wallet.get_by_text("Carte prête"))
    ).to_be_visible()


def test_the_code_is_black_on_white_with_its_quiet_zone_and_large_by_day_and_by_night(
    open_phone, sign_in_as, beneficiary, issuer_key_id
):
    identity = sign_in_as("beneficiary", beneficiary)
    for colours in ("light", "dark"):
        page = open_phone(identity, color_scheme=colours)
        page.goto("/wallet")
        code = code_of(page)
        expect(code).to_be_visible()
        box = code.bounding_box()
        assert box["width"] >= 290
        assert abs(box["width"] - box["height"]) < 1
        picture = Image.open(BytesIO(code.screenshot())).convert("L")
        modules = int(code.get_attribute("viewBox").split()[2])
        quiet = int(4 * picture.width / modules) - 1
        middle = picture.width // 2
        for offset in range(quiet):
            assert picture.getpixel((middle, offset)) == 255
            assert picture.getpixel((offset, middle)) == 255
        assert set(picture.crop((quiet, quiet, middle, middle)).getdata()) >= {0, 255}


def test_the_phones_key_cannot_be_taken_out_of_it(wallet):
    expect(code_of(wallet)).to_be_visible()
    answer = wallet.evaluate(
        f"""async () => {{
          const [record] = await ({READ_VAULT})();
          const {{ privateKey }} = record.keyPair;
          const failures = [];
          for (const format of ["jwk", "pkcs8", "raw"]) {{
            await crypto.subtle.exportKey(format, privateKey).catch((e) => failures.push(e.name));
          }}
          return {{ extractable: privateKey.extractable, usages: privateKey.usages, failures }};
        }}"""
    )
    assert answer["extractable"] is False
    assert answer["usages"] == ["sign"]
    assert len(answer["failures"]) == 3


def test_the_code_changes_after_ten_seconds_and_the_token_does_not(wallet, database, at):
    first_qr, first = read_qr(wallet), drawn(wallet)
    wallet.clock.run_for(5_000)
    assert drawn(wallet) == first
    wallet.clock.run_for(6_000)
    expect(code_of(wallet).locator("path")).not_to_have_attribute("d", first)
    second_qr = read_qr(wallet)
    issuers = public_keys(database)
    one = verify_presentation(first_qr, issuers, at)
    other = verify_presentation(second_qr, issuers, at + timedelta(seconds=11))
    assert one.claims.token_id == other.claims.token_id
    assert one.proof.nonce != other.proof.nonce
    assert 10 <= (other.proof.time - one.proof.time).total_seconds() <= 11


def test_the_seconds_that_are_left_are_said(wallet):
    expect(code_of(wallet)).to_be_visible()
    wallet.clock.run_for(3_000)
    expect(wallet.get_by_text("Nouveau code dans 7 s")).to_be_visible()


def test_codes_go_on_without_network(wallet, database, at):
    first = (read_qr(wallet), drawn(wallet))[1]
    wallet.context.set_offline(True)
    wallet.clock.run_for(65_000)
    expect(code_of(wallet).locator("path")).not_to_have_attribute("d", first)
    verified = verify_presentation(
        read_qr(wallet), public_keys(database), at + timedelta(seconds=66)
    )
    assert verified.claims.expires_at == at + timedelta(days=7)


def test_a_second_visit_uses_the_same_key_and_asks_for_no_token(wallet, database):
    expect(code_of(wallet)).to_be_visible()
    wallet.goto("/wallet")
    expect(code_of(wallet)).to_be_visible()
    with unit_of_work(database) as session:
        assert session.scalar(text("SELECT count(*) FROM cardsvc.phone_key")) == 1
        assert session.scalar(text("SELECT count(*) FROM cardsvc.token")) == 1


def tokens_given(database):
    with unit_of_work(database) as session:
        return session.scalar(text("SELECT count(*) FROM cardsvc.token"))


def later(page, clock, delta):
    """Let time pass for the server and for the phone, and open the page anew."""
    # The page is left first: else it may ask for a token that it has no time to keep.
    page.goto("about:blank")
    clock.advance(delta)
    page.clock.set_system_time(clock.now())
    page.goto("/wallet")


def test_the_token_is_renewed_when_less_than_three_days_are_left(wallet, database, clock):
    expect(code_of(wallet)).to_be_visible()
    later(wallet, clock, timedelta(days=3, hours=23))
    expect(code_of(wallet)).to_be_visible()
    assert tokens_given(database) == 1
    later(wallet, clock, timedelta(hours=2))
    expect(code_of(wallet)).to_be_visible()
    assert tokens_given(database) == 2
    verified = verify_presentation(read_qr(wallet), public_keys(database), clock.now())
    assert verified.claims.expires_at == clock.now() + timedelta(days=7)


def test_an_expired_token_without_network_says_what_to_do_and_recovers_by_itself(
    wallet, database, clock
):
    expect(code_of(wallet)).to_be_visible()
    wallet.context.set_offline(True)
    clock.advance(timedelta(days=8))
    wallet.clock.set_system_time(clock.now())
    wallet.clock.run_for(2_000)
    expect(wallet.get_by_text("Il faut du réseau, une fois")).to_be_visible()
    expect(code_of(wallet)).to_be_hidden()
    wallet.context.set_offline(False)
    wallet.clock.run_for(2_000)
    expect(code_of(wallet)).to_be_visible()
    verify_presentation(read_qr(wallet), public_keys(database), clock.now())


def test_the_first_visit_without_network_says_so_and_trying_again_works(
    open_phone, sign_in_as, beneficiary, issuer_key_id
):
    page = open_phone(sign_in_as("beneficiary", beneficiary))
    page.route("**/api/**", lambda route: route.abort())
    page.goto("/wallet")
    expect(page.get_by_text("Il faut du réseau, une fois")).to_be_visible()
    page.unroute("**/api/**")
    page.get_by_role("button", name="Réessayer").click()
    expect(code_of(page)).to_be_visible()


def test_a_phone_whose_clock_is_wrong_shows_codes_with_the_servers_time(
    open_phone, sign_in_as, beneficiary, issuer_key_id, database, clock
):
    clock.advance(timedelta(minutes=20))  # the phone stands twenty minutes behind
    page = open_phone(sign_in_as("beneficiary", beneficiary))
    page.goto("/wallet")
    verify_presentation(read_qr(page), public_keys(database), clock.now())


def test_a_clock_that_was_set_right_again_is_noticed_on_the_next_visit(
    open_phone, sign_in_as, beneficiary, issuer_key_id, database, clock
):
    clock.advance(timedelta(minutes=20))
    page = open_phone(sign_in_as("beneficiary", beneficiary))
    page.goto("/wallet")
    first = (read_qr(page), drawn(page))[1]
    page.clock.set_system_time(clock.now())
    with page.expect_response("**/api/v1/phone/clock"):
        page.goto("/wallet")
    expect(code_of(page).locator("path")).not_to_have_attribute("d", first)
    page.wait_for_function(f"async () => (await ({READ_VAULT})())[0].clockOffset === 0")
    page.clock.run_for(11_000)
    verify_presentation(read_qr(page), public_keys(database), clock.now() + timedelta(seconds=11))


def remove_by_itself(database, beneficiary, at):
    """Take the card off the one phone that has it, as that phone's own button does."""
    with unit_of_work(database) as session:
        [phone] = phones_of(session, beneficiary)
        revoke_phone(session, beneficiary, phone.id, at, phone.session_id)


def test_a_phone_that_removed_itself_shows_no_code_that_no_till_would_take(
    wallet, database, beneficiary, at
):
    expect(code_of(wallet)).to_be_visible()
    remove_by_itself(database, beneficiary, at)
    wallet.goto("/wallet")
    expect(wallet.get_by_text("Ta carte a été retirée de ce téléphone")).to_be_visible()
    wallet.evaluate("dispatchEvent(new Event('online'))")
    wallet.clock.run_for(12_000)
    expect(code_of(wallet)).to_be_hidden()


def test_a_phone_that_was_removed_says_so_and_can_be_put_back(wallet, database, beneficiary, clock):
    expect(code_of(wallet)).to_be_visible()
    remove_by_itself(database, beneficiary, clock.now())
    later(wallet, clock, timedelta(days=5))
    expect(wallet.get_by_text("Ta carte a été retirée de ce téléphone")).to_be_visible()
    expect(code_of(wallet)).to_be_hidden()
    wallet.get_by_role("button", name="Remettre ma carte ici").click()
    expect(code_of(wallet)).to_be_visible()
    with unit_of_work(database) as session:
        assert session.scalar(text("SELECT count(*) FROM cardsvc.phone_key")) == 2


def test_a_refusal_is_the_servers_sentence_with_its_code(
    open_phone, sign_in_as, beneficiary, issuer_key_id, database, new_phone, at
):
    with unit_of_work(database) as session:
        for _ in range(3):
            enrol_phone(session, beneficiary, new_phone().jwk, at)
    page = open_phone(sign_in_as("beneficiary", beneficiary))
    page.goto("/wallet")
    expect(page.get_by_text("Ta carte est déjà sur 3 téléphones.")).to_be_visible()
    expect(page.get_by_text("phone_limit_reached")).to_be_visible()


def test_a_page_that_is_out_of_date_is_loaded_anew_by_its_button(
    open_phone, sign_in_as, beneficiary, issuer_key_id
):
    identity = sign_in_as("beneficiary", beneficiary)
    page = open_phone(identity)
    page.route("**/api/**", lambda route: route.abort())
    page.goto("/wallet")
    expect(page.get_by_text("Il faut du réseau, une fois")).to_be_visible()
    # Signed in again in another tab: the form's token of this page serves no more.
    page.context.clear_cookies()
    page.request.get(f"/test/sign-in/{identity}")
    page.unroute("**/api/**")
    page.get_by_role("button", name="Réessayer").click()
    expect(page.get_by_text("form_expired")).to_be_visible()
    page.get_by_role("button", name="Réessayer").click()
    expect(code_of(page)).to_be_visible()


@pytest.mark.parametrize(
    ("move", "tag", "sentence"),
    [
        (block_card, "Carte bloquée", "Ta carte est bloquée"),
        (declare_lost, "Carte perdue", "Ta carte est déclarée perdue"),
    ],
)
def test_a_card_that_cannot_pay_shows_no_code_and_says_why(
    open_phone, sign_in_as, database, beneficiary, issuer_key_id, new_phone, at, move, tag, sentence
):
    with unit_of_work(database) as session:
        enrol_phone(session, beneficiary, new_phone().jwk, at)
        move(session, current_card(session, beneficiary).id, at, reason="holder_asked")
    page = open_phone(sign_in_as("beneficiary", beneficiary))
    page.goto("/wallet")
    expect(page.get_by_text(tag)).to_be_visible()
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(code_of(page)).to_have_count(0)


@pytest.mark.parametrize("missing", ["indexedDB", "crypto"])
def test_a_browser_that_cannot_hold_a_card_is_told(
    open_phone, sign_in_as, beneficiary, issuer_key_id, missing
):
    page = open_phone(sign_in_as("beneficiary", beneficiary))
    page.add_init_script(f"Object.defineProperty(globalThis, '{missing}', {{ value: undefined }})")
    page.goto("/wallet")
    expect(page.get_by_text("Ce navigateur ne peut pas garder ta carte")).to_be_visible()


def test_a_person_without_rights_is_told_what_will_come(wallet):
    expect(wallet.get_by_role("heading", name="Tu n'as pas encore de droit")).to_be_visible()


def test_an_answer_that_is_lost_on_the_way_does_not_take_a_second_place(
    open_phone, sign_in_as, beneficiary, issuer_key_id, database
):
    page = open_phone(sign_in_as("beneficiary", beneficiary))

    def lose_the_answer(route):
        route.fetch()
        route.abort()

    page.route("**/api/v1/phone/keys", lose_the_answer)
    page.goto("/wallet")
    expect(page.get_by_text("Il faut du réseau, une fois")).to_be_visible()
    page.unroute("**/api/v1/phone/keys")
    page.get_by_role("button", name="Réessayer").click()
    expect(code_of(page)).to_be_visible()
    with unit_of_work(database) as session:
        assert len(phones_of(session, beneficiary)) == 1


def test_a_browser_that_keeps_no_keys_takes_no_place_on_the_card(
    open_phone, sign_in_as, beneficiary, issuer_key_id, database
):
    page = open_phone(sign_in_as("beneficiary", beneficiary))
    page.add_init_script(
        "IDBObjectStore.prototype.put = () => {"
        "  throw new DOMException('keys are not kept here', 'DataCloneError');"
        "};"
    )
    page.goto("/wallet")
    expect(page.get_by_text("Ce navigateur ne peut pas garder ta carte")).to_be_visible()
    with unit_of_work(database) as session:
        assert phones_of(session, beneficiary) == []


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_pages_have_no_accessibility_fault(
    open_phone, sign_in_as, beneficiary, issuer_key_id, colours
):
    page = open_phone(sign_in_as("beneficiary", beneficiary), color_scheme=colours)
    page.goto("/wallet")
    expect(code_of(page)).to_be_visible()
    page.clock.resume()  # the checker waits by the page's own timers
    on_the_card = Axe().run(page)
    page.goto("/wallet/me")
    expect(page.get_by_text("ce téléphone", exact=True)).to_be_visible()
    under_me = Axe().run(page)
    for found in (on_the_card, under_me):
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_never_scrolls_sideways(open_phone, sign_in_as, beneficiary, issuer_key_id, width):
    page = open_phone(
        sign_in_as("beneficiary", beneficiary), viewport={"width": width, "height": 800}
    )
    for path in ("/wallet", "/wallet/me"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_attached()
        inside = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert inside, path


def test_the_ring_does_not_move_for_who_asked_for_stillness(
    open_phone, sign_in_as, beneficiary, issuer_key_id
):
    page = open_phone(sign_in_as("beneficiary", beneficiary), reduced_motion="reduce")
    page.goto("/wallet")
    expect(code_of(page)).to_be_visible()
    expect(page.locator(".card-ring")).to_be_hidden()
    expect(page.get_by_text("Nouveau code dans 10 s")).to_be_visible()


def test_two_people_who_share_a_phone_do_not_share_a_card(
    wallet, sign_in_as, add_beneficiary, database, at
):
    one = verify_presentation(read_qr(wallet), public_keys(database), at)
    max_ = add_beneficiary("MAX", "AUTRE")
    wallet.goto(f"/test/sign-in/{sign_in_as('beneficiary', max_)}")
    wallet.goto("/wallet")
    other = verify_presentation(read_qr(wallet), public_keys(database), at)
    with unit_of_work(database) as session:
        rows = session.execute(
            text(
                "SELECT t.token_id, c.beneficiary_id FROM cardsvc.token t "
                "JOIN cardsvc.card c ON c.id = t.card_id"
            )
        ).all()
    holders = {row.token_id: row.beneficiary_id for row in rows}
    assert holders[other.claims.token_id] == max_
    assert holders[one.claims.token_id] != max_


def test_the_holder_removes_a_phone_under_me(wallet, database, beneficiary):
    expect(code_of(wallet)).to_be_visible()
    wallet.get_by_role("link", name="Moi").click()
    expect(wallet.get_by_text("ce téléphone", exact=True)).to_be_visible()
    wallet.get_by_role("button", name="Retirer").click()
    expect(wallet.get_by_text("Ta carte n'est plus sur ce téléphone.")).to_be_visible()
    with unit_of_work(database) as session:
        assert phones_of(session, beneficiary) == []
