"""From a code to a signed-in browser, in one piece; and what a lost answer costs: nothing."""

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from lxml import html

from cardsvc.cards import enrol_phone
from cardsvc.credential.keys import IssuerKey, public_key_to_jwk
from cardsvc.schools import import_roll, issue_codes, preview_roll
from cardsvc.schools.enrolment import enrol
from sesame.app.rooms import registry
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import OWNER_ROLE
from sesame.platform.web import Shell, create_shell

COOKIE = "sesame"


@pytest.fixture
def app(settings, database, clock):
    """The whole application."""
    return create_shell(Shell(settings, database, clock), registry())


@pytest.fixture
def school_id(schools, rolls, at):
    """A school with one pupil, committed."""
    content = rolls.siecle([rolls.Line(rolls.ine(1))])
    import_roll(schools, preview_roll(schools, content, at=at), at=at)
    schools.commit()
    return schools.connection().exec_driver_sql("SELECT school_id FROM cardsvc.roll").scalar_one()


@pytest.fixture
def new_code(school_id, database, settings, clock):
    """Print the pupil's code, or the next one."""

    def issue():
        with unit_of_work(database) as session:
            pupil = session.connection().exec_driver_sql("SELECT id FROM cardsvc.beneficiary")
            (issued,) = issue_codes(
                session, settings, school_id=school_id, only=pupil.scalar_one(), at=clock.now()
            )
        return issued.code

    return issue


@pytest.fixture
def query(test_database):
    """Raw SQL on what was committed."""

    def query(sql, *arguments):
        with psycopg.connect(test_database.url()) as connection:
            return connection.execute(sql, arguments).fetchall()

    return query


class Phone:
    """A browser with the enrolment page open."""

    def __init__(self, app):
        self.client = app.test_client()
        page = html.fromstring(self.client.get("/enrol").data)
        self.token = page.xpath("//main//input[@name='csrf_token']/@value")[0]

    def send(self, code):
        return self.client.post("/enrol", data={"csrf_token": self.token, "code": code})

    def send_and_lose_the_answer(self, code):
        before = self.client.get_cookie(COOKIE).value
        assert self.send(code).status_code == 303
        self.client.set_cookie(COOKIE, before)
        assert not self.is_signed_in()

    def is_signed_in(self):
        return self.client.get("/wallet").status_code == 200


def refusal(answer):
    (error,) = html.fromstring(answer.data).xpath("//p[@id='code-error']")
    return answer.status_code, error.text_content().split("(")[-1].rstrip(") \n")


def test_a_failure_before_the_browser_is_signed_in_leaves_the_code_unused(
    app, new_code, test_database, query
):
    phone, code = Phone(app), new_code()
    with psycopg.connect(test_database.url(OWNER_ROLE), autocommit=True) as owner:
        owner.execute("REVOKE INSERT ON platform.session FROM sesame_app")
        assert phone.send(code).status_code == 500
        owner.execute("GRANT INSERT ON platform.session TO sesame_app")
    assert query("SELECT count(used_at) FROM cardsvc.roll_code") == [(0,)]
    assert phone.send(code).status_code == 303
    assert phone.is_signed_in()


def test_a_browser_whose_answer_was_lost_sends_its_code_again_and_is_signed_in(
    app, new_code, clock, query
):
    phone, code = Phone(app), new_code()
    phone.send_and_lose_the_answer(code)
    clock.advance(timedelta(minutes=9, seconds=59))
    assert phone.send(code).status_code == 303
    assert phone.is_signed_in()
    assert query("SELECT count(*) FROM platform.identity WHERE role = 'beneficiary'") == [(1,)]


def test_another_browser_is_told_that_the_code_was_used(app, new_code):
    code = new_code()
    Phone(app).send_and_lose_the_answer(code)
    other = Phone(app)
    assert refusal(other.send(code)) == (409, "roll_code_used")
    assert not other.is_signed_in()


def test_ten_minutes_later_the_code_is_used_for_its_own_browser_too(app, new_code, clock):
    phone, code = Phone(app), new_code()
    phone.send_and_lose_the_answer(code)
    clock.advance(timedelta(minutes=10))
    assert refusal(phone.send(code)) == (409, "roll_code_used")


def test_once_the_pupil_was_given_another_code_the_former_serves_no_more(app, new_code, clock):
    phone, code = Phone(app), new_code()
    phone.send_and_lose_the_answer(code)
    clock.advance(timedelta(minutes=1))
    newer = new_code()
    assert refusal(phone.send(code)) == (409, "roll_code_used")
    assert phone.send(newer).status_code == 303


def test_repeating_a_code_signs_nobody_out_and_takes_the_card_off_no_phone(
    new_code, database, settings, clock, query
):
    code, at = new_code(), clock.now()
    key = public_key_to_jwk(IssuerKey.generate("FR-VA").public_key)
    with unit_of_work(database) as session:
        identity = enrol(session, settings, code, at, "a browser's own")
    ((pupil,),) = query("SELECT id FROM cardsvc.beneficiary")
    with unit_of_work(database) as session:
        enrol_phone(session, pupil, key, at)
        session.connection().exec_driver_sql(
            "INSERT INTO platform.session (id, identity_id, created_at, ends_at) "
            "VALUES (%s, %s, %s, %s)",
            (uuid4(), identity, at, at + timedelta(days=1)),
        )
    with unit_of_work(database) as session:
        assert enrol(session, settings, code, at, "a browser's own") == identity
    assert query("SELECT state FROM cardsvc.phone_key") == [("active",)]
    assert query("SELECT count(ended_at) FROM platform.session") == [(0,)]


def test_only_a_hash_of_the_browsers_value_is_kept(app, new_code, query):
    phone, code = Phone(app), new_code()
    with phone.client.session_transaction() as cookie:
        value = cookie["enrolling"]
    phone.send(code)
    assert query("SELECT used_by_hash = sha256(%s) FROM cardsvc.roll_code", value.encode()) == [
        (True,)
    ]
    with phone.client.session_transaction() as cookie:
        assert "enrolling" not in cookie


def test_the_beneficiarys_row_is_the_first_lock_of_an_enrolment(
    new_code, database, settings, at, query
):
    """As for a roll's import, which then revokes codes: the other order would be a deadlock."""
    code = new_code()
    with unit_of_work(database) as session:
        enrol(session, settings, code, at)
        with psycopg.connect(settings.database_url) as other:
            free = "SELECT 1 FROM cardsvc.beneficiary FOR NO KEY UPDATE SKIP LOCKED"
            assert other.execute(free).fetchall() == []
