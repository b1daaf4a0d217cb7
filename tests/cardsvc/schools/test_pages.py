"""The secretary's pages and the young person's, through HTTP."""

import io
from datetime import timedelta

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from lxml import html

from cardsvc.schools import hooks, import_directory
from cardsvc.schools.codes import new_code
from cardsvc.schools.directory import school_by_uai
from cardsvc.schools.enrol_pages import ALARMING_TRIES, TRIES_FROM_A_NETWORK
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity
from sesame.platform.identity import hooks as identity_hooks
from sesame.platform.web import Registry, Shell, create_shell

LUMIERES, AMBRE = "0690026D", "0010001W"
PASSWORD = "une longue phrase que je retiens"


@pytest.fixture
def app(settings, database, clock, scheme, at, directory_text):
    """The shell with this feature's pages, two schools and their secretaries."""
    with unit_of_work(database) as session:
        import_directory(session, directory_text.encode(), at)
        for uai in (LUMIERES, AMBRE):
            create_identity(
                session, role="school", subject_id=school_by_uai(session, uai).id, login=uai,
                password=PASSWORD, display_name=f"Secrétariat {uai}", at=at,
            )  # fmt: skip
    registry = Registry()
    identity_hooks.register(registry)
    hooks.register(registry)
    return create_shell(Shell(settings, database, clock), registry)


class Visitor:
    """A browser without scripts: keeps its cookies, and sends the forms that it was shown."""

    def __init__(self, app):
        self.client = app.test_client()

    def get(self, path):
        return self.client.get(path)

    def post(self, page, path, **values):
        """Send a form of `page` (a path), with the token that the page gave."""
        shown = html.fromstring(self.client.get(page).data)
        token = shown.xpath("//main//input[@name='csrf_token']/@value")[0]
        return self.client.post(path, data={"csrf_token": token, **values})


@pytest.fixture
def visitor(app):
    """Somebody who isn't signed in."""
    return Visitor(app)


@pytest.fixture
def secretary(app):
    """Sign a school's secretary in."""

    def sign_in(uai=LUMIERES):
        visitor = Visitor(app)
        visitor.post("/sign-in", "/sign-in", login=uai, password=PASSWORD)
        return visitor

    return sign_in


@pytest.fixture
def query(test_database):
    """Raw SQL on what was committed."""

    def query(sql, *arguments):
        with psycopg.connect(test_database.url()) as connection:
            return connection.execute(sql, arguments).fetchall()

    return query


def send(visitor, content, name="roll.xml"):
    return visitor.post("/school", "/school/roll", file=(io.BytesIO(content), name))


def import_through_pages(visitor, content):
    """Send, look, confirm; return the review page."""
    review = send(visitor, content).location
    shown = visitor.get(review)
    answer = visitor.post(review, review)
    assert (answer.status_code, answer.location) == (303, "/school")
    return html.fromstring(shown.data)


def codes_of(response):
    """Return the codes of a printed sheet by pupil."""
    page = html.fromstring(response.data)
    names = page.xpath("//article/h2/text()")
    return dict(zip(names, page.xpath("//p[@class='code']/text()"), strict=True))


def text_of(response):
    return " ".join(html.fromstring(response.data).text_content().split())


def test_a_school_without_a_roll_is_asked_for_one(secretary):
    page = secretary().get("/school")
    assert page.status_code == 200
    assert "Commencez par la base élèves" in text_of(page)


def test_nobody_else_sees_the_schools_pages(visitor):
    assert visitor.get("/school").status_code in (302, 303, 401)
    assert visitor.get("/school/sheets/2GT03").status_code in (302, 303, 401)


def test_a_roll_is_sent_reviewed_and_confirmed(secretary, rolls, query):
    someone = secretary()
    lines = [rolls.Line(rolls.ine(1)), rolls.Line(rolls.ine(2), given="Ali"), rolls.Line("")]
    review = send(someone, rolls.zipped(rolls.siecle(lines)), "export.zip").location
    page = someone.get(review)
    assert "2 élèves dans ce fichier" in text_of(page)
    assert "pupil_without_ine" in text_of(page)
    assert query("SELECT count(*) FROM cardsvc.beneficiary") == [(0,)]
    assert someone.post(review, review).location == "/school"
    assert query(
        "SELECT r.new_pupils, i.login FROM cardsvc.roll r "
        "JOIN platform.identity i ON i.id = r.imported_by"
    ) == [(2, LUMIERES)]
    assert query("SELECT count(*) FROM cardsvc.roll_draft") == [(0,)]
    home = someone.get("/school")
    assert "La base élèves est à jour." in text_of(home)
    assert html.fromstring(home.data).xpath("//tbody//th/a/text()") == ["2GT03"]


def test_a_review_shows_every_difference_with_the_last_roll(secretary, rolls):
    someone = secretary()
    lines = [rolls.Line(rolls.ine(n), given=f"Élève {n}") for n in range(1, 4)]
    import_through_pages(someone, rolls.siecle(lines))
    changed = [lines[0].but(division="2GT09"), lines[2]]
    page = import_through_pages(someone, rolls.siecle(changed, exported="01/10/2026"))
    table = page.xpath("//div[@aria-labelledby='differences']//tbody/tr")
    assert [[" ".join(cell.text_content().split()) for cell in row] for row in table] == [
        ["Élève 1 E.", "Modifié", "2GT03", "2GT09"],
        ["Élève 2 E.", "Parti", "2GT03", "–"],
    ]


def test_a_review_of_wrong_lines_names_each_and_offers_no_confirmation(secretary, rolls, query):
    someone = secretary()
    content = rolls.siecle([rolls.Line("bad"), rolls.Line(rolls.ine(2), born="31/02/2010")])
    review = send(someone, content).location
    page = html.fromstring(someone.get(review).data)
    rows = page.xpath("//div[@aria-labelledby='rejected']//tbody/tr")
    assert [[cell.text for cell in row[:3]] for row in rows] == [
        ["10", "Zoé E.", "ID_NATIONAL"],
        ["18", "Zoé E.", "DATE_NAISS"],
    ]
    assert not page.xpath("//main//form")
    token = html.fromstring(someone.get("/school").data).xpath(
        "//input[@name='csrf_token']/@value"
    )[0]
    assert someone.client.post(review, data={"csrf_token": token}).status_code == 422
    assert query("SELECT count(*) FROM cardsvc.roll") == [(0,)]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, ""),
        (b"<html/>", 422, "roll_not_a_roll"),
        (b"<BEE_ELEVES", 422, "roll_unreadable"),
        (b"<!DOCTYPE x><BEE_ELEVES/>", 422, "roll_forbidden_xml"),
        (AMBRE, 409, "roll_school_mismatch"),
    ],
)
def test_a_file_that_cant_be_taken_is_refused_on_the_page(
    secretary, rolls, query, content, status, code
):
    if content == AMBRE:
        content = rolls.siecle([rolls.Line(rolls.ine(1))], uai=AMBRE)
    answer = send(secretary(), content)
    assert answer.status_code == status
    error = html.fromstring(answer.data).xpath("//p[@id='file-error']")[0]
    assert code in error.text_content()
    assert query("SELECT count(*) FROM cardsvc.roll_draft") == [(0,)]


def test_another_schools_secretary_sees_and_confirms_nothing(secretary, rolls):
    lumieres, ambre = secretary(LUMIERES), secretary(AMBRE)
    content = rolls.siecle([rolls.Line(rolls.ine(1))])
    review = send(lumieres, content).location
    assert ambre.get(review).status_code == 404
    assert ambre.post("/school", review).status_code == 404
    import_through_pages(lumieres, content)
    assert ambre.get("/school/sheets/2GT03").status_code == 404
    assert ambre.post("/school", "/school/sheets/2GT03").status_code == 404


def test_a_draft_is_forgotten_after_a_day(secretary, rolls, clock):
    someone = secretary()
    review = send(someone, rolls.siecle([rolls.Line(rolls.ine(1))])).location
    clock.advance(timedelta(hours=9))
    assert someone.get(review).status_code == 200
    clock.advance(timedelta(hours=15))
    assert secretary().get(review).status_code == 404


def test_a_sheet_is_printed_after_a_confirmation_that_says_what_it_does(secretary, rolls, query):
    someone = secretary()
    import_through_pages(someone, rolls.siecle([rolls.Line(rolls.ine(n)) for n in (1, 2)]))
    page = someone.get("/school/sheets/2GT03")
    assert "Faire et imprimer 2 codes" in text_of(page)
    assert query("SELECT count(*) FROM cardsvc.roll_code") == [(0,)]
    sheet = someone.post("/school/sheets/2GT03", "/school/sheets/2GT03")
    assert sheet.headers["Cache-Control"] == "no-store"
    assert len(html.fromstring(sheet.data).xpath("//article")) == 2
    assert b"<style" not in sheet.data
    with someone.get("/static/schools/sheets.css") as style:
        assert style.status_code == 200
    again = text_of(someone.get("/school/sheets/2GT03"))
    assert "2 élèves ont déjà un code en main. Il ne marchera plus." in again


def test_a_pupil_opens_their_card_with_their_code(secretary, visitor, rolls, query):
    someone = secretary()
    import_through_pages(someone, rolls.siecle([rolls.Line(rolls.ine(1))]))
    codes = codes_of(someone.post("/school/sheets/2GT03", "/school/sheets/2GT03"))
    answer = visitor.post("/enrol", "/enrol", code=codes["Zoé EXEMPLE"].lower())
    assert (answer.status_code, answer.location) == (303, "/wallet")
    assert query(
        "SELECT i.role, i.display_name, b.ine FROM platform.identity i "
        "JOIN platform.session s ON s.identity_id = i.id "
        "JOIN cardsvc.beneficiary b ON b.id = i.subject_id WHERE i.role = 'beneficiary'"
    ) == [("beneficiary", "Zoé E.", rolls.ine(1))]
    assert "Carte ouverte" in text_of(someone.get("/school/sheets/2GT03"))


def test_a_code_used_twice_is_refused_and_what_was_typed_is_kept(secretary, app, rolls, query):
    someone = secretary()
    import_through_pages(someone, rolls.siecle([rolls.Line(rolls.ine(1))]))
    (code,) = codes_of(someone.post("/school/sheets/2GT03", "/school/sheets/2GT03")).values()
    assert Visitor(app).post("/enrol", "/enrol", code=code).status_code == 303
    answer = Visitor(app).post("/enrol", "/enrol", code=code)
    assert answer.status_code == 409
    page = html.fromstring(answer.data)
    assert page.xpath("//input[@id='code']/@value") == [code]
    assert "roll_code_used" in page.xpath("//p[@id='code-error']")[0].text_content()
    assert query("SELECT count(*) FROM platform.identity WHERE role = 'beneficiary'") == [(1,)]


def test_a_lost_phone_is_replaced_by_a_new_code_and_signed_out(secretary, app, rolls, query):
    someone = secretary()
    import_through_pages(someone, rolls.siecle([rolls.Line(rolls.ine(1))]))
    (code,) = codes_of(someone.post("/school/sheets/2GT03", "/school/sheets/2GT03")).values()
    Visitor(app).post("/enrol", "/enrol", code=code)
    page = html.fromstring(someone.get("/school/sheets/2GT03").data)
    pupil = page.xpath("//input[@name='pupil']/@value")[0]
    sheet = someone.post("/school/sheets/2GT03", "/school/sheets/2GT03", pupil=pupil)
    (fresh,) = codes_of(sheet).values()
    assert Visitor(app).post("/enrol", "/enrol", code=fresh).status_code == 303
    assert query(
        "SELECT count(DISTINCT s.identity_id), count(*) FILTER (WHERE s.ended_at IS NULL), count(*) "
        "FROM platform.session s JOIN platform.identity i ON i.id = s.identity_id "
        "WHERE i.role = 'beneficiary'"
    ) == [(1, 1, 2)]


@pytest.mark.parametrize("pupil", ["0198c0de-0000-7000-8000-000000000000", "not-an-id"])
def test_a_new_code_is_made_for_the_classs_own_pupils_only(secretary, rolls, query, pupil):
    someone = secretary()
    import_through_pages(someone, rolls.siecle([rolls.Line(rolls.ine(1))]))
    answer = someone.post("/school/sheets/2GT03", "/school/sheets/2GT03", pupil=pupil)
    assert answer.status_code == 404
    assert query("SELECT count(*) FROM cardsvc.roll_code") == [(0,)]


def test_guessing_stops_after_so_many_unknown_codes_even_with_the_right_one(
    secretary, app, rolls, query, clock
):
    someone = secretary()
    import_through_pages(someone, rolls.siecle([rolls.Line(rolls.ine(1))]))
    (code,) = codes_of(someone.post("/school/sheets/2GT03", "/school/sheets/2GT03")).values()
    guesser = Visitor(app)
    token = html.fromstring(guesser.get("/enrol").data).xpath("//input[@name='csrf_token']/@value")[
        0
    ]
    for _ in range(TRIES_FROM_A_NETWORK):
        form = {"csrf_token": token, "code": new_code()}
        assert guesser.client.post("/enrol", data=form).status_code == 404
    answer = guesser.client.post("/enrol", data={"csrf_token": token, "code": code})
    assert answer.status_code == 429
    assert "too_many_attempts" in text_of(answer)
    assert query("SELECT count(*) FROM cardsvc.roll_code WHERE used_at IS NOT NULL") == [(0,)]
    clock.advance(timedelta(hours=1, minutes=1))
    assert (
        guesser.client.post("/enrol", data={"csrf_token": token, "code": code}).status_code == 303
    )


def test_guesses_from_everywhere_are_told_and_close_nobodys_door(
    secretary, visitor, rolls, query, test_database, capsys
):
    someone = secretary()
    import_through_pages(someone, rolls.siecle([rolls.Line(rolls.ine(1))]))
    (code,) = codes_of(someone.post("/school/sheets/2GT03", "/school/sheets/2GT03")).values()
    visitor.post("/enrol", "/enrol", code=new_code())
    assert "many_unknown_codes" not in capsys.readouterr().out
    with psycopg.connect(test_database.url()) as connection:
        connection.execute(
            "INSERT INTO platform.failed_attempt (id, subject, at)"
            " SELECT gen_random_uuid(), subject, at FROM platform.failed_attempt,"
            " generate_series(2, %s) AS guess",
            [ALARMING_TRIES],
        )
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    visitor.client.environ_base.update(elsewhere)
    assert visitor.post("/enrol", "/enrol", code=new_code()).status_code == 404
    assert "many_unknown_codes" in capsys.readouterr().out
    assert visitor.post("/enrol", "/enrol", code=code).status_code == 303


def test_a_slip_of_the_finger_counts_as_no_guess(visitor, query, scheme):
    answer = visitor.post("/enrol", "/enrol", code="K7QF4")
    assert answer.status_code == 422
    assert "roll_code_mistyped" in text_of(answer)
    assert query("SELECT count(*) FROM platform.failed_attempt") == [(0,)]


def test_a_roll_is_larger_than_what_anybody_else_may_send(secretary, visitor, rolls, query):
    roll = rolls.siecle([rolls.Line(rolls.ine(1))])
    padded = roll + b"<!--" + b"x" * 300_000 + b"-->"
    form = {"file": (io.BytesIO(padded), "roll.xml")}
    refused = visitor.client.post("/school/roll", data=form)
    assert (refused.status_code, refused.location) == (303, "/sign-in")
    sent = secretary().post("/school", "/school/roll", file=(io.BytesIO(padded), "roll.xml"))
    assert (sent.status_code, sent.location.rpartition("/")[0]) == (303, "/school/roll")
    assert query("SELECT count(*) FROM cardsvc.roll_draft") == [(1,)]


@pytest.fixture
def address(app, serve):
    """The address at which the pages are served to a browser."""
    return serve(app)


@pytest.fixture
def phone(chromium):
    """A browser page the size of a phone's, in French."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="fr-FR")
    yield context.new_page()
    context.close()


def test_a_scanned_code_fills_the_field_and_leaves_the_address(address, phone):
    requested = []
    phone.on("request", lambda request: requested.append(request.url))
    code = new_code()
    phone.goto(f"{address}/enrol#{code}")
    phone.wait_for_function("document.getElementById('code').value !== ''")
    assert phone.get_by_label("Ton code").input_value() == code
    assert phone.url == f"{address}/enrol"
    assert not any(code in url for url in requested[1:])


def test_axe_finds_nothing_and_no_page_scrolls_sideways(address, phone, rolls, tmp_path):
    def check():
        assert Axe().run(phone).response["violations"] == []
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def send_file(content):
        file = tmp_path / "roll.xml"
        file.write_bytes(content)
        phone.goto(f"{address}/school")
        check()
        phone.get_by_label("Fichier exporté").set_input_files(file)
        phone.get_by_role("button", name="Envoyer et vérifier").click()
        phone.get_by_role("heading", name="Vérifier la base élèves").wait_for()
        check()

    phone.goto(f"{address}/enrol")
    check()
    phone.get_by_label("Ton code").fill("K7QF4")
    phone.get_by_role("button", name="Ouvrir ma carte").click()
    phone.get_by_text("roll_code_mistyped").wait_for()
    check()
    phone.goto(f"{address}/sign-in")
    phone.get_by_label("Identifiant").fill(LUMIERES)
    phone.get_by_label("Mot de passe").fill(PASSWORD)
    phone.get_by_role("button", name="Se connecter").click()
    phone.wait_for_url("**/school")
    lines = [rolls.Line(rolls.ine(n)) for n in (1, 2)]
    send_file(rolls.siecle([lines[0].but(born="31/02/2010"), rolls.Line("")]))
    send_file(rolls.siecle([*lines, rolls.Line("")]))
    phone.get_by_role("button", name="Confirmer l'import").click()
    phone.get_by_role("link", name="2GT03").click()
    phone.get_by_role("heading", name="2GT03").wait_for()
    check()
    phone.get_by_role("button", name="Faire et imprimer 2 codes").click()
    phone.get_by_text("Imprimez cette page maintenant").wait_for()
    assert Axe().run(phone).response["violations"] == []
    assert phone.locator("article").count() == 2
