"""The browser till, by its screen, keyboard, camera and network."""

import re
from uuid import UUID

import pytest
import segno
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

QR = "SES1:CPGO9BRRQT 9O60GO0ON8%DH+1D+Y78CKHQB.702+8BW5-P6CF325JICOCF3E1J"

APPROVED = {
    "purchase_id": "0198c0de-0000-7000-8000-000000000001",
    "outcome": "approved",
    "approved_cents": 1240,
    "remaining_cents": 0,
    "authorisation": "7Q4-K2M",
    "lines": [],
    "reasons": [],
}
PARTIAL = {
    **APPROVED,
    "outcome": "partial",
    "approved_cents": 800,
    "remaining_cents": 440,
    "reasons": [
        {
            "code": "entitlement_short",
            "cashier": {
                "fr": "Il restait 8,00 € sur la carte pour ces livres.",
                "en": "There were €8.00 left on the card for these books.",
            },
            "holder": {"fr": "Il te restait 8,00 €.", "en": "You had €8.00 left."},
        }
    ],
}
REFUSED = {
    **APPROVED,
    "outcome": "refused",
    "approved_cents": 0,
    "remaining_cents": 1240,
    "authorisation": None,
    "reasons": [
        {
            "code": "proof_expired",
            "cashier": {
                "fr": "Le code a plus de 30 secondes : demandez à voir le code qui change.",
                "en": "The code is over 30 seconds old: ask to see the one that changes.",
            },
            "holder": {"fr": "Rouvre ta carte.", "en": "Open your card again."},
        }
    ],
}


def pay(page, keys="1240", qr=QR):
    """Type an amount on the screen's keys, and scan."""
    for key in keys:
        page.get_by_role("button", name=key, exact=True).click()
    page.locator("#qr").fill(qr)
    page.locator("#qr").press("Enter")


def said(page):
    return page.locator("#answer-word")


def test_a_till_is_activated_by_its_code_and_keeps_a_key_nobody_can_take(open_page, code_for, shop):
    page = open_page()
    page.locator("#enrol-go").click()
    expect(page.locator("#code-error")).to_contain_text("Tapez le code")
    page.locator("#code").fill("AAAA-AAAA")
    page.keyboard.press("Enter")
    expect(page.locator("#code-error")).to_contain_text("Ce code n'existe pas")
    expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
    page.locator("#code").fill(code_for(shop).lower())
    page.keyboard.press("Enter")
    expect(page.locator("#shop-name")).to_have_text("Librairie des Trois Ponts")
    expect(page.locator("#shop-more")).to_have_text("Caisse 1 · convention active")
    kept = page.evaluate(
        """async () => {
            const database = await new Promise((resolve) => {
                const request = indexedDB.open("sesame-till");
                request.onsuccess = () => resolve(request.result);
            });
            const till = await new Promise((resolve) => {
                const request = database.transaction("kept").objectStore("kept").get("till");
                request.onsuccess = () => resolve(request.result);
            });
            const taken = await crypto.subtle.exportKey("jwk", till.pair.privateKey)
                .then(() => "taken", (failure) => failure.name);
            return [till.pair.privateKey.extractable, taken];
        }"""
    )
    assert kept == [False, "InvalidAccessError"]
    page.reload()
    expect(page.locator("#shop-name")).to_have_text("Librairie des Trois Ponts")


def test_a_sale_is_sent_signed_and_its_answer_fills_the_other_half(open_till, purchases):
    purchases.answers = [APPROVED]
    page = open_till()
    expect(page.locator("#amount")).to_have_text("0,00\u00a0€")
    page.get_by_role("button", name="Livres").click()
    pay(page)
    expect(said(page)).to_have_text("Accepté")
    expect(page.locator("#answer-pays")).to_have_text("12,40\u00a0€")
    expect(page.locator("#answer-left-line")).to_be_hidden()
    expect(page.locator("#answer-why")).to_have_text("Rien à encaisser.")
    expect(page.locator("#answer-number")).to_have_text("7Q4-K2M")
    expect(page.locator("#amount")).to_have_text("12,40\u00a0€")
    (sale,) = purchases.received
    assert str(UUID(sale.key, version=4)) == sale.key
    assert sale.body == {
        "qr": QR,
        "lines": [{"category": "books", "amount_cents": 1240, "ean": None}],
        "currency": "EUR",
        "accept_partial": True,
    }
    page.get_by_role("button", name="Nouvelle vente").click()
    expect(page.locator("#amount")).to_have_text("0,00\u00a0€")
    # Another answer than before, so that the one on the screen is known to be the new one.
    purchases.answers = [PARTIAL]
    pay(page, "500")
    expect(said(page)).to_have_text("Payé en partie")
    assert purchases.received[1].key != sale.key


def test_a_part_paid_shows_both_amounts_alike(open_till, purchases):
    purchases.answers = [PARTIAL]
    page = open_till()
    pay(page)
    expect(said(page)).to_have_text("Payé en partie")
    expect(page.locator("#answer-pays")).to_have_text("8,00\u00a0€")
    expect(page.locator("#answer-left")).to_have_text("4,40\u00a0€")
    sizes = [
        page.locator(which).evaluate("(each) => getComputedStyle(each).fontSize")
        for which in ("#answer-pays", "#answer-left")
    ]
    assert sizes[0] == sizes[1]
    expect(page.locator("#answer-why")).to_have_text(
        "Il restait 8,00 € sur la carte pour ces livres."
    )


def test_a_refusal_is_a_sentence_with_its_code_small(open_till, purchases):
    purchases.answers = [REFUSED]
    page = open_till()
    pay(page)
    expect(said(page)).to_have_text("Refusé")
    expect(page.locator("#answer-why")).to_contain_text("Le code a plus de 30 secondes")
    expect(page.locator("#answer-code")).to_have_text("proof_expired")
    expect(page.locator("#answer-left")).to_have_text("12,40\u00a0€")
    expect(page.locator("#answer-pays")).to_be_hidden()


def test_each_answer_is_told_by_word_sign_colour_and_sound(open_till, purchases):
    purchases.answers = [APPROVED, PARTIAL, REFUSED]
    page = open_till()
    page.evaluate(
        """() => {
            globalThis.heard = [];
            const start = OscillatorNode.prototype.start;
            OscillatorNode.prototype.start = function (...when) {
                heard.push(this.frequency.value);
                start.apply(this, when);
            };
        }"""
    )
    looks = []
    tunes = []
    for word in ("Accepté", "Payé en partie", "Refusé"):
        pay(page)
        expect(said(page)).to_have_text(word)
        looks.append(
            page.locator(".stage-answer").evaluate(
                """(each) => [getComputedStyle(each).backgroundColor,
                    [...each.querySelectorAll(".sign path")]
                        .filter((path) => getComputedStyle(path).display !== "none")
                        .map((path) => path.getAttribute("class")).join()]"""
            )
        )
        tunes.append(tuple(page.evaluate("heard.splice(0)")))
        page.get_by_role("button", name="Nouvelle vente").click()
    assert len(set(tunes)) == 3
    assert all(len(tune) >= 2 for tune in tunes)
    assert len({colour for colour, _ in looks}) == 3
    assert [sign for _, sign in looks] == ["sign-approved", "sign-partial", "sign-refused"]


def test_an_english_page_speaks_english_to_the_cashier(open_till, purchases):
    purchases.answers = [PARTIAL]
    page = open_till(locale="en-GB")
    pay(page)
    expect(page.locator("#answer-pays")).to_have_text("€8.00")
    expect(page.locator("#answer-why")).to_contain_text("There were €8.00 left")


def test_a_sale_that_the_server_will_not_have_says_why(open_till, purchases):
    title = "Cette caisse est suspendue."
    purchases.answers = [{"problem": "terminal_suspended", "title": title}, APPROVED]
    page = open_till()
    pay(page)
    expect(page.locator("#trouble-word")).to_have_text("Vente non faite")
    expect(page.locator("#trouble-more")).to_have_text(title)
    expect(page.locator("#trouble-code")).to_have_text("terminal_suspended")
    page.get_by_role("button", name="Revenir à la vente").click()
    expect(page.locator("#amount")).to_have_text("12,40\u00a0€")


class Answers:
    """Loses the answers of so many POSTs, after the server has had them."""

    def __init__(self, page, count):
        self.left = count
        page.route("**/api/v1/purchases", self)

    def __call__(self, route):
        if self.left == 0:
            return route.continue_()
        self.left -= 1
        route.fetch()
        return route.abort("connectionreset")


def test_a_lost_answer_is_asked_for_again_and_nothing_is_sold_twice(open_till, purchases):
    purchases.answers = [APPROVED]
    page = open_till()
    Answers(page, 1)
    pay(page)
    expect(page.locator("#checking-word")).to_have_text("On vérifie…")
    expect(page.locator("#checking-more")).to_contain_text("Ne refaites pas la vente")
    expect(said(page)).to_have_text("Accepté", timeout=15_000)
    assert len({sale.key for sale in purchases.received}) == 1
    assert len(purchases.received) == 2
    assert len(purchases.booked) == 1


def test_a_sale_that_was_booked_is_never_called_a_failure(open_till, purchases):
    purchases.answers = [APPROVED]
    page = open_till()
    tries = []

    def lose_then_refuse(route):
        tries.append(route.request.headers["idempotency-key"])
        if len(tries) == 1:
            route.fetch()
            return route.abort("connectionreset")
        return route.fulfill(
            status=401, content_type="application/problem+json", body='{"code": "x", "title": "X"}'
        )

    page.route("**/api/v1/purchases", lose_then_refuse)
    pay(page)
    expect(said(page)).to_have_text("Accepté", timeout=15_000)
    assert purchases.looked_up == tries[:1]
    assert len(purchases.received) == 1


def test_when_no_answer_ever_comes_the_sale_is_found_by_its_key(open_till, purchases):
    purchases.answers = [APPROVED]
    page = open_till()
    Answers(page, 99)
    pay(page)
    expect(said(page)).to_have_text("Accepté", timeout=20_000)
    (key,) = purchases.booked
    assert purchases.looked_up == [key]
    assert {sale.key for sale in purchases.received} == {key}


def test_a_sale_that_never_arrived_is_sent_again_with_its_key(open_till, purchases):
    purchases.answers = [APPROVED]
    page = open_till()
    lost = []

    def drop(route):
        if len(lost) < 3:
            lost.append(route.request.headers["idempotency-key"])
            return route.abort("connectionrefused")
        return route.continue_()

    page.route("**/api/v1/purchases", drop)
    pay(page)
    expect(said(page)).to_have_text("Accepté", timeout=30_000)
    (sale,) = purchases.received
    assert set(lost) == {sale.key}


def test_a_page_closed_before_its_answer_asks_when_it_opens_again(open_till, purchases):
    purchases.answers = [PARTIAL]
    page = open_till()
    Answers(page, 99)
    page.route("**/by-key/*", lambda route: route.abort("connectionrefused"))
    pay(page)
    expect(page.locator("#checking-word")).to_have_text("On vérifie…")
    page.unroute_all(behavior="ignoreErrors")
    page.reload()
    expect(said(page)).to_have_text("Payé en partie")
    expect(page.locator("#amount")).to_have_text("12,40\u00a0€")
    assert len(purchases.booked) == 1
    page.reload()
    expect(page.locator(".stage-idle")).to_be_visible()


def test_with_no_network_nothing_leaves_and_the_screen_says_so(open_till, purchases):
    page = open_till()
    page.context.set_offline(True)
    expect(page.locator("#line-text")).to_have_text("Hors ligne")
    pay(page)
    expect(page.locator("#trouble-word")).to_have_text("Pas de réseau")
    expect(page.locator("#trouble-more")).to_contain_text("la carte n'a rien payé")
    assert purchases.received == []
    page.context.set_offline(False)
    expect(page.locator("#line-text")).to_have_text("En ligne")
    purchases.answers = [APPROVED]
    page.get_by_role("button", name="Revenir à la vente").click()
    page.locator("#qr").fill(QR)
    page.locator("#qr").press("Enter")
    expect(said(page)).to_have_text("Accepté")


def test_the_keyboard_alone_sells(open_till, purchases):
    purchases.answers = [APPROVED, APPROVED]
    page = open_till()
    page.locator("body").press("Enter")
    expect(page.locator("#sum-error")).to_have_text("Tapez d'abord le montant.")
    page.keyboard.type("12409")
    page.keyboard.press("Backspace")
    expect(page.locator("#amount")).to_have_text("12,40\u00a0€")
    # A scanner types too, wherever the cursor is, and ends with Enter.
    page.keyboard.type(QR)
    page.keyboard.press("Enter")
    expect(said(page)).to_have_text("Accepté")
    assert purchases.received[0].body["qr"] == QR
    expect(page.get_by_role("button", name="Nouvelle vente")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#amount")).to_have_text("0,00\u00a0€")
    page.keyboard.type("7")
    expect(page.locator("#amount")).to_have_text("0,07\u00a0€")


def test_a_card_scanned_again_after_the_answer_pays_nothing_more(open_till, purchases):
    purchases.answers = [APPROVED]
    page = open_till()
    pay(page)
    expect(said(page)).to_have_text("Accepté")
    expect(page.locator("#read")).to_be_disabled()
    page.keyboard.type(QR)
    expect(said(page)).to_have_text("Accepté")
    expect(page.locator("#amount")).to_have_text("12,40\u00a0€")
    page.keyboard.press("Enter")
    expect(page.locator("#amount")).to_have_text("0,00\u00a0€")
    assert len(purchases.received) == 1


def test_what_is_no_card_is_not_sent(open_till, purchases):
    page = open_till()
    pay(page, qr="9782070360024")
    expect(page.locator("#sum-error")).to_contain_text("Ce code n'est pas celui d'une carte")
    page.locator("#keys").get_by_role("button", name="Effacer").click()
    expect(page.locator("#amount")).to_have_text("1,24\u00a0€")
    assert purchases.received == []


def test_no_camera_leads_to_the_scanner(open_till):
    page = open_till()
    page.keyboard.type("500")
    page.get_by_role("button", name="Lire la carte").click()
    expect(page.locator("#sum-error")).to_contain_text("douchette")
    expect(page.locator("#qr")).to_be_focused()


@pytest.fixture
def camera_that_sees(chromium, tmp_path):
    """A Chromium whose camera is a film of a QR on a white sheet (raw YUV4MPEG2, one frame)."""
    browsers = []

    def start(content):
        matrix = [list(row) for row in segno.make(content, error="m").matrix_iter(5, 4)]
        width, height = 640, 480
        left, top = (width - len(matrix[0])) // 2, (height - len(matrix)) // 2
        luma = bytearray(b"\xeb" * (width * height))
        for y, row in enumerate(matrix):
            for x, dark in enumerate(row):
                if dark:
                    luma[(top + y) * width + left + x] = 16
        film = tmp_path / "camera.y4m"
        film.write_bytes(
            f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420\nFRAME\n".encode()
            + bytes(luma)
            + b"\x80" * (width * height // 2)
        )
        browser = chromium.browser_type.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        browsers.append(browser)
        return browser

    yield start
    for browser in browsers:
        browser.close()


def test_the_camera_reads_the_card(open_till, purchases, camera_that_sees):
    purchases.answers = [APPROVED]
    page = open_till(browser=camera_that_sees(QR))
    fetched = []
    page.on("request", lambda request: fetched.append(request.url))
    page.keyboard.type("1240")
    page.get_by_role("button", name="Lire la carte").click()
    expect(said(page)).to_have_text("Accepté", timeout=30_000)
    assert purchases.received[0].body["qr"] == QR
    here = re.match(r"http://[^/]+", page.url).group()
    assert [url for url in fetched if not url.startswith(here)] == []


def test_the_camera_passes_over_what_is_no_card(open_till, purchases, camera_that_sees):
    page = open_till(browser=camera_that_sees("https://example.org/"))
    page.keyboard.type("1240")
    page.get_by_role("button", name="Lire la carte").click()
    expect(page.locator("#video")).to_be_visible()
    page.locator("#video").evaluate(
        """async (video) => {
            for (let seen = 0; seen < 8; seen += 1) {
                await new Promise((frame) => video.requestVideoFrameCallback(frame));
            }
        }"""
    )
    page.keyboard.press("Escape")
    expect(page.locator(".stage-idle")).to_be_visible()
    assert page.locator("#video").evaluate("(video) => video.srcObject") is None
    assert purchases.received == []


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_every_screen_is_accessible_and_never_scrolls_sideways(
    open_page, code_for, shop, purchases, width
):
    purchases.answers = [APPROVED, PARTIAL, REFUSED]
    page = open_page(viewport={"width": width, "height": 844})
    expect(page.locator("#code")).to_be_visible()
    _look_closely(page)
    page.locator("#code").fill(code_for(shop))
    page.locator("#enrol-go").click()
    expect(page.locator("#counter")).to_be_visible()
    _look_closely(page)
    for _ in range(3):
        pay(page)
        expect(said(page)).to_be_visible()
        _look_closely(page)
        again = page.get_by_role("button", name="Nouvelle vente")
        assert again.bounding_box()["height"] >= 48
        again.click()
    for button in page.locator("#counter button:visible").all():
        assert button.bounding_box()["height"] >= 48


def _look_closely(page):
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
