"""A student, a cashier and the Region's people, each through what they see and nothing else.

The code that the cashier reads is decoded from the picture of the student's screen, by a decoder that
isn't ours.
"""

import io

import psycopg
import zxingcpp
from PIL import Image
from playwright.sync_api import expect

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}


def screen(chromium, size):
    context = chromium.new_context(viewport=size, locale="fr-FR", device_scale_factor=2)
    return context.new_page()


def decoded(page):
    """What a camera would read off the student's screen."""
    picture = page.get_by_role("img", name="Code à présenter à la caisse").screenshot()
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))
    assert len(found) == 1
    return found[0].text


def test_a_student_pays_at_a_shop_and_the_region_sees_it(demonstration, chromium):
    student = screen(chromium, PHONE)
    student.goto(f"{demonstration.url}/enrol")
    student.get_by_label("Ton code").fill(demonstration.student_codes[0])
    student.get_by_role("button", name="Ouvrir ma carte").click()
    expect(student.get_by_role("heading", name="Ma carte")).to_be_attached()
    code = student.get_by_role("img", name="Code à présenter à la caisse")
    expect(code).to_be_visible()
    expect(student.get_by_text("Livres et BD")).to_be_visible()

    till = screen(chromium, PHONE)
    till.goto(f"{demonstration.url}/till")
    till.get_by_label("Code d'activation").fill(demonstration.till_codes[0])
    till.get_by_role("button", name="Activer").click()
    expect(till.get_by_role("button", name="Lire la carte")).to_be_visible()
    for key in ("5", "0", "0"):
        till.get_by_role("button", name=key, exact=True).click()
    choose_what_is_bought(till)
    read_by_scanner(till, decoded(student))
    expect(till.get_by_text("Accepté")).to_be_visible()
    number = till.locator("#answer-number").inner_text()

    with psycopg.connect(demonstration.database_url) as connection:
        booked = connection.execute(
            "SELECT d.approved_cents, sum(t.amount) FROM merchants.decision d"
            " JOIN ledger.transfer t ON t.id = ANY(d.transfer_ids)"
            " WHERE d.authorisation = %s GROUP BY 1",
            [number],
        ).fetchall()
    assert booked == [(500, 500)]

    student.reload()
    expect(student.get_by_text("5,00 €").first).to_be_visible()

    for login, sees in (("a.martin", "Enveloppes"), ("b.durand", "à approuver")):
        desk = screen(chromium, DESK)
        desk.goto(f"{demonstration.url}/console")
        desk.get_by_label("Identifiant").fill(login)
        desk.get_by_label("Mot de passe").fill("ouvre-toi-sesame")
        desk.get_by_role("button", name="Se connecter").click()
        expect(desk.get_by_text(sees).first).to_be_visible()
        expect(desk.get_by_role("heading", name="Achats, 14 jours")).to_be_visible()


def choose_what_is_bought(till):
    """Where the shop sells several things, choose the books."""
    books = till.get_by_role("group", name="Ce qui est acheté").get_by_role("button", name="Livres")
    if books.count():
        books.first.click()


def read_by_scanner(till, text):
    field = till.get_by_label("Douchette ou code collé")
    field.fill(text)
    field.press("Enter")
