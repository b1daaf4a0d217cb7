"""The console's pages on runs, walked by the people who use them."""

import csv
import io
from datetime import timedelta
from hashlib import sha256

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from lxml import etree, html

from merchants.reimbursements import hooks
from sesame.app import hooks as app_hooks
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity
from sesame.platform.identity import hooks as identity_hooks
from sesame.platform.ids import uuid7
from sesame.platform.web import Registry, Shell, create_shell

PASSWORD = "une longue phrase que je retiens"


class Visitor(FlaskClient):
    """A browser without scripts: reads pages and presses the buttons that they show."""

    def read(self, path):
        answer = self.get(path)
        assert answer.status_code == 200, path
        return html.fromstring(answer.get_data(as_text=True))

    def press(self, path, label, **fields):
        """Press the button called `label` on the page at `path`; return the page it leads to."""
        (form,) = self.read(path).xpath("//form[.//button[contains(., $label)]]", label=label)
        values = {**dict(form.form_values()), **fields}
        answer = self.post(form.get("action") or path, data=values, follow_redirects=True)
        assert answer.status_code == 200
        return html.fromstring(answer.get_data(as_text=True))


@pytest.fixture
def app(settings, database, clock, scheme):
    registry = Registry()
    for feature in (identity_hooks, app_hooks, hooks):
        feature.register(registry)
    made = create_shell(Shell(settings, database, clock), registry)
    made.test_client_class = Visitor
    return made


@pytest.fixture
def visit(app, database, at):
    """Return a function that signs somebody in, through the form, and gives their browser."""

    def enter(login, role):
        with unit_of_work(database) as session:
            create_identity(
                session, role=role, display_name=f"{login} de {role}", login=login,
                password=PASSWORD, at=at,
            )  # fmt: skip
        client = app.test_client()
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
        client.press("/sign-in", "connecter", login=login, password=PASSWORD)
        return client

    return enter


@pytest.fixture
def martin(visit):
    return visit("martin", "officer")


@pytest.fixture
def durand(visit):
    return visit("durand", "accountant")


@pytest.fixture
def sold(region):
    envelope = region.envelope(region.funder())
    shop, cinema = region.payee("Librairie de l'Épée"), region.payee("Cinéma Le Phare")
    region.sale(shop, envelope, 3_840_000)
    region.sale(cinema, envelope, 1_260)
    return shop


def said(page):
    return " ".join(page.text_content().split())


def buttons(page):
    return [
        " ".join(each.text_content().split())
        for each in page.xpath("//main//*[contains(concat(' ', @class, ' '), ' btn ')]")
        if "plain" not in each.get("class")
    ]


def run_path(region):
    return f"/console/runs/{region.value('SELECT id FROM merchants.run')}"


def test_the_whole_way_from_what_is_owed_to_the_banks_file(martin, durand, sold, region):
    assert "38 412,60 €" in said(martin.read("/console"))
    page = martin.press("/console/runs", "Préparer la campagne")
    assert "une autre personne doit maintenant l'approuver" in said(page).lower()
    assert buttons(page) == []

    assert "1campagne de remboursement à approuver2 virements · 38 412,60 €" in said(
        durand.read("/console")
    )
    path = run_path(region)
    page = durand.read(path)
    assert buttons(page) == ["Approuver 38 412,60 €"]
    assert "elle paiera le mercredi 25 novembre 2026" in said(page)
    assert buttons(durand.press(path, "Approuver")) == ["Télécharger le fichier bancaire"]

    answer = download(durand, path)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=FR-VA-20261124-")
    total = etree.fromstring(answer.data).xpath("//*[local-name()='CtrlSum']")
    assert {each.text for each in total} == {"38412.60"}
    assert region.value("SELECT state FROM merchants.run") == "exported"
    (link,) = durand.read(path).xpath("//a[contains(., 'Télécharger')]/@href")
    assert sha256(durand.get(link).data).digest() == sha256(answer.data).digest()


def download(client, path):
    """Press the button that makes the bank file, and return the answer."""
    (form,) = client.read(path).xpath("//form[.//button[contains(., 'Télécharger')]]")
    answer = client.post(form.get("action"), data=dict(form.form_values()))
    assert answer.status_code == 200
    return answer


def test_a_file_fetched_days_after_the_approval_asks_for_a_day_to_come(
    martin, durand, visit, sold, region, clock
):
    martin.press("/console/runs", "Préparer la campagne")
    path = run_path(region)
    durand.press(path, "Approuver")
    clock.advance(timedelta(days=9))
    petit = visit("petit", "accountant")
    assert "aujourd'hui, ce serait le vendredi 4 décembre 2026" in said(petit.read(path))
    file = etree.fromstring(download(petit, path).data)
    assert file.xpath("string(//*[local-name()='ReqdExctnDt'])").strip() == "2026-12-04"
    assert "Elle paiera le vendredi 4 décembre 2026" in said(petit.read(path))
    clock.advance(timedelta(days=2))
    grand = visit("grand", "accountant")
    assert "demandez à la banque si elle accepte une date passée" in said(grand.read(path))


def test_a_withdrawal_names_what_it_withdraws_and_frees_it(martin, sold, region):
    martin.press("/console/runs", "Préparer la campagne")
    path = run_path(region)
    reference = region.value("SELECT message_id FROM merchants.run")
    (link,) = martin.read(path).xpath("//a[contains(., 'Retirer la campagne')]")
    assert "plain" in link.get("class")
    asked = martin.read(link.get("href"))
    assert f"Campagne {reference}" in said(asked)
    assert "38 412,60 €2 virements · 2 opérations" in said(asked)
    assert region.value("SELECT state FROM merchants.run") == "draft"
    page = martin.press(link.get("href"), f"Retirer {reference}")
    assert "retirée" in said(page)
    (who,) = page.xpath("//div[dt = 'Retirée par']/dd")
    assert said(who).startswith("martin de officer")
    assert buttons(page) == []
    assert "38 412,60 €" in said(martin.read("/console"))
    martin.press("/console/runs", "Préparer la campagne")
    assert region.rows("SELECT state FROM merchants.run ORDER BY state") == [
        ("draft",),
        ("withdrawn",),
    ]


def test_an_approved_run_has_no_withdrawal(martin, durand, sold, region):
    martin.press("/console/runs", "Préparer la campagne")
    path = run_path(region)
    (form,) = martin.read(f"{path}/withdraw").xpath("//form[.//button[contains(., 'Retirer')]]")
    durand.press(path, "Approuver")
    assert martin.read(path).xpath("//a[contains(., 'Retirer')]") == []
    assert martin.get(f"{path}/withdraw").location == path
    answer = martin.post(form.get("action"), data=dict(form.form_values()), follow_redirects=True)
    assert "(run_not_draft)" in answer.get_data(as_text=True)
    assert region.value("SELECT state FROM merchants.run") == "approved"


def test_who_cannot_be_paid_is_named_where_runs_are_prepared_and_read(martin, sold, region):
    region.sale(region.payee("Βιβλιοπωλείο"), region.value("SELECT id FROM cardsvc.envelope"), 200)
    told = "Βιβλιοπωλείο · 2,00 € · titulaire à écrire en lettres latines"
    assert "1 créancier aux coordonnées à corriger" in said(martin.read("/console"))
    assert told in said(martin.read("/console/runs"))
    page = martin.press("/console/runs", "Préparer la campagne")
    assert told in said(page)
    assert region.value("SELECT total_cents FROM merchants.run") == 3_841_260
    left = martin.read("/console/runs")
    assert told in said(left)
    assert buttons(left) == []


def test_a_run_refreshed_while_its_page_is_open_is_not_approved(martin, durand, sold, region):
    martin.press("/console/runs", "Préparer la campagne")
    path = run_path(region)
    (form,) = durand.read(path).xpath("//form[.//button[contains(., 'Approuver')]]")
    region.connection.execute(
        "UPDATE merchants.payee SET iban = 'FR7630006000011234567890189' WHERE id = %s", (sold,)
    )
    martin.press(path, "Actualiser les comptes")
    values = dict(form.form_values())
    answer = durand.post(form.get("action"), data=values, follow_redirects=True)
    assert "(run_changed_since_read)" in answer.get_data(as_text=True)
    values.pop("read")
    answer = durand.post(form.get("action"), data=values, follow_redirects=True)
    assert "(run_changed_since_read)" in answer.get_data(as_text=True)
    assert region.value("SELECT state FROM merchants.run") == "draft"


def test_the_payments_show_who_how_much_and_only_the_ends_of_the_account(martin, sold, region):
    martin.press("/console/runs", "Préparer la campagne")
    page = martin.read(run_path(region))
    iban = region.value("SELECT iban FROM merchants.payee WHERE id = %s", sold)
    assert "Librairie de l'Épée" in said(page)
    assert f"{iban[:4]} •••• {iban[-4:]}" in said(page)
    assert iban not in said(page)


def test_an_officer_cannot_approve_nor_have_the_file(martin, durand, sold, region):
    martin.press("/console/runs", "Préparer la campagne")
    path = run_path(region)
    (token,) = martin.read("/console/runs").xpath("(//input[@name='csrf_token']/@value)[1]")
    assert martin.post(f"{path}/approve", data={"csrf_token": token}).status_code == 403
    durand.press(path, "Approuver")
    assert martin.get(f"{path}/bank-file").status_code == 403
    assert "quand la comptabilité lui aura remis le fichier" in said(martin.read(path))
    assert martin.post(f"{path}/bank-file", data={"csrf_token": token}).status_code == 403
    assert region.value("SELECT state FROM merchants.run") == "approved"


def test_an_accountant_cannot_prepare(durand, sold, region):
    assert buttons(durand.read("/console/runs")) == []
    (token,) = durand.read("/console/runs").xpath("(//input[@name='csrf_token']/@value)[1]")
    answer = durand.post("/console/runs", data={"csrf_token": token, "payer": "region"})
    assert answer.status_code == 403
    assert region.claimed() == []


def test_whoever_prepared_is_told_that_another_must_approve(martin, sold, region):
    martin.press("/console/runs", "Préparer la campagne")
    region.connection.execute("UPDATE platform.identity SET role = 'accountant'")
    page = martin.read(run_path(region))
    assert "Vous avez préparé cette campagne : une autre personne doit l'approuver." in said(page)
    assert buttons(page) == []


def test_nothing_is_approved_without_the_forms_token(martin, durand, sold, region):
    martin.press("/console/runs", "Préparer la campagne")
    assert durand.post(f"{run_path(region)}/approve").status_code == 400
    assert region.value("SELECT state FROM merchants.run") == "draft"


def test_a_changed_account_is_told_refreshed_and_then_approved(martin, durand, sold, region):
    martin.press("/console/runs", "Préparer la campagne")
    path = run_path(region)
    region.connection.execute(
        "UPDATE merchants.payee SET iban = 'FR7630006000011234567890189' WHERE id = %s", (sold,)
    )
    assert "doit d'abord actualiser la campagne" in said(durand.read(path))
    assert buttons(durand.read(path)) == []
    assert buttons(martin.read(path)) == ["Actualiser les comptes"]
    martin.press(path, "Actualiser les comptes")
    durand.press(path, "Approuver")
    assert region.value("SELECT state FROM merchants.run") == "approved"


def test_an_account_that_changes_while_the_page_is_open_stops_the_approval(
    martin, durand, sold, region
):
    martin.press("/console/runs", "Préparer la campagne")
    path = run_path(region)
    (form,) = durand.read(path).xpath("//form[.//button[contains(., 'Approuver')]]")
    region.connection.execute("UPDATE merchants.payee SET bic = 'AGRIFRPP'")
    answer = durand.post(form.get("action"), data=dict(form.form_values()), follow_redirects=True)
    assert "(payee_changed)" in said(html.fromstring(answer.get_data(as_text=True)))
    assert region.value("SELECT state FROM merchants.run") == "draft"


def test_the_second_approval_of_an_open_page_says_that_it_is_done(martin, durand, sold, region):
    martin.press("/console/runs", "Préparer la campagne")
    path = run_path(region)
    (form,) = durand.read(path).xpath("//form[.//button[contains(., 'Approuver')]]")
    pressed = [
        durand.post(form.get("action"), data=dict(form.form_values()), follow_redirects=True)
        for _ in range(2)
    ]
    assert "(run_not_draft)" in pressed[1].get_data(as_text=True)
    assert region.value("SELECT count(*) FROM ledger.transfer WHERE kind = 'remit'") == 2


def test_with_nothing_sold_the_page_says_what_will_come(martin, durand, region):
    region.envelope(region.funder())
    assert "Toutes les ventes sont dans une campagne" in said(martin.read("/console/runs"))
    assert "Aucune campagne pour l'instant" in said(durand.read("/console/runs"))
    assert "rien ne vous attend" in said(martin.read("/console"))
    assert "rien ne vous attend" in said(durand.read("/console"))


def test_a_run_drafted_from_a_page_that_was_open_too_long_is_refused_in_words(martin, sold, region):
    page = martin.read("/console/runs")
    (form,) = page.xpath("//form[.//button[contains(., 'Préparer')]]")
    values = dict(form.form_values())
    martin.post("/console/runs", data=values)
    answer = martin.post("/console/runs", data=values, follow_redirects=True)
    assert "(nothing_to_pay)" in answer.get_data(as_text=True)
    assert region.value("SELECT count(*) FROM merchants.run") == 1


def test_the_detail_of_a_run_and_of_a_payment_download_as_csv(martin, sold, region):
    martin.press("/console/runs", "Préparer la campagne")
    page = martin.read(run_path(region))
    links = page.xpath("//a[contains(@href, 'statement.csv')]/@href")
    sizes = []
    for link in links:
        answer = martin.get(link)
        assert answer.mimetype == "text/csv"
        rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True)), delimiter=";"))
        sizes.append(len(rows))
    assert sizes == [2, 1, 1]


def test_a_long_run_is_read_by_pages_of_a_hundred(martin, region):
    envelope = region.envelope(region.funder())
    for number in range(1, 102):
        region.sale(region.payee(), envelope, number)
    martin.press("/console/runs", "Préparer la campagne")
    path = run_path(region)
    first, second = martin.read(path), martin.read(f"{path}?page=2")
    assert [len(page.xpath("//tbody/tr")) for page in (first, second)] == [100, 1]
    assert "Page 2 sur 2" in said(second)
    assert martin.read(f"{path}?page=0").xpath("count(//tbody/tr)") == 100
    for beyond in (3, 10**20):
        assert "Page 2 sur 2" in said(martin.read(f"{path}?page={beyond}"))


@pytest.mark.parametrize("role", ["beneficiary", "school", "merchant", "auditor"])
def test_nobody_else_sees_runs(visit, sold, role):
    client = visit("someone", role)
    assert client.get("/console/runs").status_code == 403


def test_what_does_not_exist_is_not_found(durand, martin, sold, region, at):
    assert durand.get(f"/console/runs/{uuid7(at)}").status_code == 404
    assert durand.get(f"/console/runs/{uuid7(at)}/bank-file").status_code == 404
    martin.press("/console/runs", "Préparer la campagne")
    path = run_path(region)
    assert durand.get(f"{path}/payments/{uuid7(at)}/statement.csv").status_code == 404
    assert durand.get(f"{path}/bank-file").status_code == 409


@pytest.fixture
def site(app, serve):
    return serve(app)


@pytest.mark.browser
@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_to_mend(chromium, site, martin, durand, sold, region, width, night):
    context = chromium.new_context(
        base_url=site,
        viewport={"width": width, "height": 844},
        color_scheme="dark" if night else "light",
        locale="fr",
    )
    page = context.new_page()
    page.goto("/sign-in?next=/console/runs")
    page.fill("#login", "martin")
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/console/runs")
    found = {}
    for step in ("nothing prepared", "draft", "list"):
        if step == "draft":
            page.click("main .btn")
            page.wait_for_url("**/console/runs/*")
        elif step == "list":
            page.goto("/console/runs")
        violations = Axe().run(page).response["violations"]
        found[step] = [
            (each["id"], [node["html"] for node in each["nodes"]]) for each in violations
        ]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
    assert {step: each for step, each in found.items() if each} == {}
