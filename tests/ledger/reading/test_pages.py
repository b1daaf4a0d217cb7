"""The console's pages on the book, walked by the people who read them."""

import csv
import io
import json
import re
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe

from ledger.checkpoints import sign_checkpoint
from ledger.corrections import return_payment
from ledger.sealing import seal
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

PASSWORD = "une longue phrase que je retiens"


def said(page):
    return " ".join(page.text_content().split())


def plain(page):
    """Return what a page says, with its no-break spaces as spaces."""
    return said(page).replace("\u00a0", " ")


@pytest.fixture
def auditor(visit):
    return visit("auditor")


@pytest.fixture
def sold(books, at):
    """A sale that was partly refunded, ordered and paid by the bank."""
    sale = books.sell(books.cards[0], 2_001)
    books.refund(sale, 500)
    payment = uuid7(at)
    books.payments[sale.id] = payment
    books.move("remit", books.payable, books.transit, 1_501, correlation=payment)
    books.move("settle", books.transit, books.bank, 1_501, correlation=payment)
    return sale


@pytest.fixture
def sealed(database, settings, at):
    def do():
        seal(database, at=at)
        return sign_checkpoint(database, settings, at=at)

    return do


def test_the_chart_shows_two_equal_sides(auditor, sold):
    page = auditor.read("/console/ledger")
    (foot,) = page.xpath("//tfoot/tr")
    assert [plain(each) for each in foot.xpath("td")] == ["1 500,00 €"] * 2
    assert "équilibrée" in said(page)
    rows = {said(row.xpath("th")[0]): plain(row) for row in page.xpath("//tbody/tr")}
    assert "15,01 €" in rows["Payé par la banque"]
    assert "Dettes envers les partenaires" in rows
    assert "Région Val-d'Ambre · Livres" in rows


def test_a_book_that_does_not_balance_says_by_how_much(auditor, books, owner):
    owner.execute("ALTER TABLE ledger.balance DISABLE TRIGGER ALL")
    owner.execute(
        "UPDATE ledger.balance SET balance = balance + 7 WHERE account_id = %s", (books.region,)
    )
    assert "écart de 0,07 €" in plain(auditor.read("/console/ledger"))


def test_the_seal_is_shown_with_its_age_and_its_checkpoint_downloads(auditor, sold, sealed, clock):
    assert "pas encore signé" in said(auditor.read("/console/ledger"))
    assert auditor.get("/console/ledger/checkpoint.txt").status_code == 404
    clock.advance(timedelta(minutes=3))
    page = plain(auditor.read("/console/ledger"))
    assert "en retard" in page and "la plus ancienne : 3 minutes" in page
    kept = sealed()
    page = auditor.read("/console/ledger")
    assert "à jour" in said(page)
    (link,) = page.xpath("//main//a[@download]/@href")
    assert auditor.get(link).get_data(as_text=True) == kept.note


def test_the_story_of_a_sale_goes_from_the_funders_to_the_bank(auditor, books, sold):
    page = auditor.read(f"/console/ledger/transfers/{sold.id}")
    steps = [said(each) for each in page.xpath("//ol[@class='walk']/li//h2")]
    assert steps == [
        "Le financeur", "L'attribution", "L'achat", "Ce qui est revenu", "L'ordre de virement",
        "La ligne de la banque",
    ]  # fmt: skip
    text = plain(page)
    assert "1 000,00 €versé en tout par Les financeurs" in text
    assert "Ensemble100,00 €" in text
    bearing = page.xpath("//h3[contains(., 'Qui porte')]/following-sibling::ul/li")
    assert [plain(each) for each in bearing] == [
        "Région Val-d'Ambre · Livres12,01 €",
        "Département · Livres8,00 €",
    ]
    assert "Virement VA-0001" in text
    assert "Livres et manuels" in text


def test_each_step_leads_on_and_none_leads_nowhere(auditor, books, sold):
    seen, waiting = set(), [f"/console/ledger/transfers/{sold.id}"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        links = auditor.read(path).xpath("//main//a[not(@download)]/@href")
        waiting += [link for link in links if link.startswith("/console/ledger")]
    every = books.rows.execute(
        "SELECT id FROM ledger.transfer WHERE credit_account_id <> %s", [books.cards[1]]
    )
    assert {f"/console/ledger/transfers/{each}" for (each,) in every} <= seen
    assert f"/console/ledger/envelopes/{books.department}" in seen
    assert f"/console/ledger/accounts/{books.payable}" in seen


def test_a_sale_not_paid_yet_and_a_grant_not_spent_say_what_comes(auditor, books):
    sale = books.sell(books.cards[0], 300)
    assert "La prochaine campagne" in said(auditor.read(f"/console/ledger/transfers/{sale.id}"))
    grant = books.value(
        "SELECT id FROM ledger.transfer WHERE credit_account_id = %s LIMIT 1", books.cards[1]
    )
    assert "Pas encore dépensé" in said(auditor.read(f"/console/ledger/transfers/{grant}"))


def test_what_the_bank_gave_back_ends_the_walk(auditor, books, sold, database, at):
    settle = books.value("SELECT id FROM ledger.transfer WHERE kind = 'settle'")
    with unit_of_work(database) as session:
        return_payment(
            session, settle, 1_501, payable=books.payable, return_id=uuid7(at),
            correlation_id=books.payments[sold.id], counts_at=at, at=at,
        )  # fmt: skip
    page = auditor.read(f"/console/ledger/transfers/{sold.id}")
    assert said(page.xpath("//ol[@class='walk']/li[last()]//h2")[0]) == "Rendu par la banque"


def test_the_proof_of_a_transfer_can_be_checked_without_us(auditor, sold, sealed):
    path = f"/console/ledger/transfers/{sold.id}"
    assert "pas encore scellée" in said(auditor.read(path))
    assert auditor.get(f"{path}/proof.json").status_code == 409
    kept = sealed()
    page = auditor.read(path)
    assert re.search(rf"sous le numéro \d+, dans le point de contrôle de {kept.size}", said(page))
    proof = json.loads(auditor.get(f"{path}/proof.json").data)
    assert str(sold.id) in proof["leaf"]
    assert proof["leaf_hash"] == sha256(b"\0" + proof["leaf"].encode()).hexdigest()
    assert root(proof) == kept.note.splitlines()[2]


def root(proof):
    """Return the base64 root by RFC 9162, 2.1.3.2, written from its text."""
    node, last, here = proof["index"], proof["size"] - 1, bytes.fromhex(proof["leaf_hash"])
    for each in map(bytes.fromhex, proof["path"]):
        if node % 2 or node == last:
            here = sha256(b"\1" + each + here).digest()
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            here = sha256(b"\1" + here + each).digest()
        node, last = node // 2, last // 2
    return b64encode(here).decode()


def test_an_account_over_a_period_opens_moves_and_closes(auditor, books, sold):
    path = f"/console/ledger/accounts/{books.payable}"
    page = auditor.read(path)
    amounts = [plain(each) for each in page.xpath("//dl[contains(@class, 'money')]//dd")]
    assert amounts == ["0,00 €", "0,00 €", "0,00 €"]
    rows = [plain(row) for row in page.xpath("//tbody/tr")]
    assert len(rows) == 3 and any("+20,01 €" in row for row in rows)
    known = auditor.read(f"{path}?known=2026-11-23")
    assert "Aucune écriture sur cette période" in said(known)
    (link,) = page.xpath("//a[contains(@href, 'statement.csv')]/@href")
    told = auditor.get(link).data.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(told), delimiter=";"))
    assert ["20,01" in line for line in lines].count(True) >= 1
    (link,) = page.xpath("//a[contains(@href, 'statement.json')]/@href")
    assert auditor.get(link).get_json()["closing"] == 0
    (link,) = page.xpath("//a[contains(@href, 'statement.pdf')]/@href")
    assert auditor.get(link).data.startswith(b"%PDF")


def test_a_long_account_is_read_page_after_page_each_transfer_once(auditor, books):
    sales = books.sell_many(books.cards[0], 112)
    path, found = f"/console/ledger/accounts/{books.payable}", []
    while path:
        page = auditor.read(path)
        found.append([link.rpartition("/")[2] for link in page.xpath("//tbody//th/a/@href")])
        path = page.xpath("string(//a[@rel='next']/@href)")
    assert [len(each) for each in found] == [50, 50, 12]
    ids = [each for one in found for each in one]
    assert sorted(ids) == sorted(str(sale.id) for sale in sales)
    assert all(later > earlier for later, earlier in pairwise(ids))


def test_an_id_is_found_whatever_it_is_of(auditor, books, sold, at):
    for wanted, path in {
        sold.id: f"/console/ledger/transfers/{sold.id}",
        books.region: f"/console/ledger/envelopes/{books.region}",
        books.payable: f"/console/ledger/accounts/{books.payable}",
        uuid7(at): "/console/ledger",
        "7Q4-K2M": "/console/ledger",
    }.items():
        assert auditor.get(f"/console/ledger/find?id={wanted}").location == path


@pytest.mark.parametrize("role", ["beneficiary", "school", "merchant"])
def test_nobody_else_reads_the_book(visit, books, role):
    assert visit(role).get("/console/ledger").status_code == 403


def test_what_does_not_exist_is_not_found(auditor, books, at):
    for path in ("transfers", "accounts", "envelopes"):
        assert auditor.get(f"/console/ledger/{path}/{uuid7(at)}").status_code == 404
    assert auditor.get("/console/ledger/accounts?kind=purse").status_code == 404
    assert auditor.get(f"/console/ledger/envelopes/{books.payable}").status_code == 404


def test_an_envelopes_page_says_where_the_money_is_and_how_long_it_lasts(auditor, books, sold):
    page = plain(auditor.read(f"/console/ledger/envelopes/{books.region}"))
    assert "Versé par le financeur1 000,00 €" in page
    assert "Encore sur les cartes110,99 €" in page
    assert "Payé par la banque15,01 €" in page
    assert "31 mai 2027" in page
    other = plain(auditor.read(f"/console/ledger/envelopes/{books.department}"))
    assert "Payé aux partenaires" not in other


def test_a_threshold_is_set_by_an_officer_warns_once_and_ends(visit, auditor, books, at, clock):
    officer = visit("officer")
    path = f"/console/ledger/envelopes/{books.region}"
    assert "Enregistrer le seuil" not in said(auditor.read(path))
    page = officer.press(path, "Enregistrer le seuil", below="900,00")
    assert "Seuil enregistré." in said(page)
    assert "Il reste 880,00 €, sous le seuil de 900,00 €" in plain(page)
    assert "1enveloppe sous son seuil" in plain(auditor.read("/console"))
    assert "sous le seuil de 900,00 €" in plain(auditor.read("/console/ledger"))
    again = officer.press(path, "Enregistrer le seuil", below="neuf cents")
    assert "(amount_invalid)" in said(again)
    officer.press(path, "Enregistrer le seuil", below="")
    assert "rien ne vous attend" in said(auditor.read("/console"))
    assert books.value("SELECT count(*) FROM ledger.threshold") == 2
    assert books.value("SELECT count(*) FROM ledger.threshold_warning") == 1
    (token,) = auditor.read("/console/ledger").xpath("(//input[@name='csrf_token']/@value)[1]")
    answer = auditor.post(f"{path}/threshold", data={"csrf_token": token, "below": "1"})
    assert answer.status_code == 403


@pytest.mark.browser
@pytest.mark.parametrize(("width", "night"), [(390, True), (1280, False)])
def test_axe_finds_nothing_to_mend(chromium, site, visit, books, sold, sealed, width, night):
    visit("officer", PASSWORD)
    sealed()
    context = chromium.new_context(
        base_url=site,
        viewport={"width": width, "height": 844},
        color_scheme="dark" if night else "light",
        locale="fr",
    )
    page = context.new_page()
    page.goto("/sign-in?next=/console/ledger")
    page.fill("#login", "officer")
    page.fill("#password", PASSWORD)
    page.click("main button")
    found = {}
    for path in (
        "",
        f"/envelopes/{books.region}",
        f"/transfers/{sold.id}",
        f"/accounts/{books.payable}",
        "/accounts?kind=entitlement",
        f"/accounts/{books.bank}?first=2026-01-01&last=2026-01-31",
    ):
        page.goto(f"/console/ledger{path}")
        violations = Axe().run(page).response["violations"]
        found[path] = [
            (each["id"], [node["html"] for node in each["nodes"]]) for each in violations
        ]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()
    assert {path: each for path, each in found.items() if each} == {}
