"""What the holder reads of their purchases, and what the console counts."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from lxml import html

from merchants.purchases.history import fortnight, history
from merchants.purchases.pages import LAST_FEW, PAGE_SIZE

PARIS = ZoneInfo("Europe/Paris")
SPRING_NIGHT = date(2027, 3, 28)
AUTUMN_NIGHT = date(2026, 10, 25)


def lines(town, student, **more):
    with town.database.sessions() as session:
        return history(session, student.id, **{"limit": 100, **more})


def days(town, at, **more):
    with town.database.sessions() as session:
        return fortnight(session, PARIS, at, **more)


def sell_at(town, student, at, cents=100, **more):
    town.clock.at = at
    town.renew_token(student)
    return town.answer(("textbooks", cents), student=student, **more)


def text_of(page):
    assert page.status_code == 200
    return re.sub(r"\s+", " ", html.fromstring(page.data).text_content())


# The holder.


def test_the_last_purchase_comes_first_with_its_shop_and_amounts(town):
    first = town.answer(("textbooks", 500))
    town.clock.advance(timedelta(minutes=5))
    second = town.answer(("books", 1_500), partial=True)
    got = lines(town, town.student)
    assert [str(line.id) for line in got] == [second["purchase_id"], first["purchase_id"]]
    assert [(line.outcome, line.amount_cents, line.approved_cents) for line in got] == [
        ("partial", 1_500, 1_200),
        ("approved", 500, 500),
    ]
    assert {line.site_name for line in got} == {"Librairie des Trois Ponts"}
    assert [line.at for line in got] == [town.clock.now(), town.clock.now() - timedelta(minutes=5)]
    assert [line.code for line in got] == ["cap_day_reached", ""]
    assert got[0].explanation.startswith("Tu as atteint la limite du jour")
    assert got[1].explanation == ""


def test_pages_follow_one_another_without_a_gap_or_a_repeat(town):
    for _ in range(5):
        town.answer(("textbooks", 100))
        town.clock.advance(timedelta(seconds=1))
    every = [line.id for line in lines(town, town.student)]
    assert len(every) == 5
    first = lines(town, town.student, limit=2)
    second = lines(town, town.student, limit=2, before=first[-1].id)
    third = lines(town, town.student, limit=2, before=second[-1].id)
    assert [line.id for line in [*first, *second, *third]] == every
    assert lines(town, town.student, before=every[-1]) == []


def test_someone_who_bought_nothing_has_no_history(town):
    assert lines(town, town.student) == []


def test_another_persons_purchases_never_appear(town):
    other = town.add_student()
    theirs = town.answer(("textbooks", 4_321), student=other)
    mine = town.answer(("textbooks", 1_234))
    assert [str(line.id) for line in lines(town, town.student)] == [mine["purchase_id"]]
    browser = town.sign_in("beneficiary", town.student.id)
    for address in ("/wallet/purchases", f"/wallet/purchases?before={UUID(int=2**128 - 1)}"):
        page = text_of(browser.get(address))
        assert "12,34" in page
        assert "43,21" not in page
    # Their id as a place to begin gives nothing of theirs.
    page = text_of(browser.get(f"/wallet/purchases?before={theirs['purchase_id']}"))
    assert "43,21" not in page


def test_the_wallet_says_why_a_purchase_was_refused_in_the_holders_words(town):
    town.refusal(("sports", 500), partial=True)
    page = text_of(town.sign_in("beneficiary", town.student.id).get("/wallet/purchases"))
    assert "Refusé" in page
    assert "Ta carte ne paie pas ce type d'article." in page
    assert "category_not_covered" in page
    assert "La carte ne paie pas" not in page
    english = town.sign_in("beneficiary", town.student.id, locale="en")
    translated = text_of(english.get("/wallet/purchases"))
    assert "Ta carte" not in translated
    assert "category_not_covered" in translated


def test_a_refusal_where_no_card_was_recognised_is_in_nobodys_history(town):
    counts = town.sql("SELECT count(*) FROM merchants.decision WHERE beneficiary_id IS NULL")
    assert town.refusal(("textbooks", 500), qr="SES1:NONE") == ["qr_malformed"]
    assert lines(town, town.student) == []
    after = town.sql("SELECT count(*) FROM merchants.decision WHERE beneficiary_id IS NULL")
    assert after[0][0] == counts[0][0] + 1


def test_the_page_has_thirty_lines_and_leads_to_the_older_ones(town):
    for _ in range(PAGE_SIZE + 1):
        town.answer(("textbooks", 1))
        town.clock.advance(timedelta(seconds=1))
    browser = town.sign_in("beneficiary", town.student.id)
    page = html.fromstring(browser.get("/wallet/purchases").data)
    assert len(page.find_class("purchase")) == PAGE_SIZE
    (older,) = page.xpath("//a[contains(@href, 'before=')]/@href")
    rest = html.fromstring(browser.get(older).data)
    assert len(rest.find_class("purchase")) == 1
    assert rest.xpath("//a[contains(@href, 'before=')]") == []
    (last,) = town.kept("id")[:1][0]
    beyond = html.fromstring(browser.get(f"/wallet/purchases?before={last}").data)
    assert beyond.find_class("purchase") == []
    assert "plus ancien" in beyond.text_content()


def test_exactly_thirty_lines_lead_nowhere(town):
    for _ in range(PAGE_SIZE):
        town.answer(("textbooks", 1))
    page = html.fromstring(
        town.sign_in("beneficiary", town.student.id).get("/wallet/purchases").data
    )
    assert len(page.find_class("purchase")) == PAGE_SIZE
    assert page.xpath("//a[contains(@href, 'before=')]") == []


def test_a_place_to_begin_that_is_no_id_is_as_none(town):
    town.answer(("textbooks", 500))
    browser = town.sign_in("beneficiary", town.student.id)
    for before in ("1", "' OR 1=1", "%00"):
        page = browser.get("/wallet/purchases", query_string={"before": before})
        assert "5,00" in text_of(page)


def test_the_wallets_home_shows_the_last_few(town):
    for cents in (101, 102, 103, 104):
        town.answer(("textbooks", cents))
        town.clock.advance(timedelta(seconds=1))
    page = html.fromstring(town.sign_in("beneficiary", town.student.id).get("/wallet").data)
    (panel,) = page.xpath("//section[@aria-labelledby='last-purchases']")
    assert len(panel.find_class("purchase")) == LAST_FEW
    assert "1,04" in panel.text_content()
    assert "1,01" not in panel.text_content()


def test_a_wallet_without_a_purchase_says_what_to_do(town):
    browser = town.sign_in("beneficiary", town.student.id)
    for address in ("/wallet", "/wallet/purchases"):
        assert "Rien encore." in text_of(browser.get(address))


@pytest.mark.parametrize("role", ["officer", "accountant", "merchant"])
def test_nobody_but_a_beneficiary_reads_a_history(town, role):
    subject = town.till.merchant_id if role == "merchant" else None
    assert town.sign_in(role, subject).get("/wallet/purchases").status_code == 403
    assert town.app.test_client().get("/wallet/purchases").status_code == 303


# The fortnight.


def test_every_day_of_the_fortnight_is_there_and_those_without_a_sale_are_empty(town):
    student = town.student
    begin = datetime(2027, 1, 20, 11, 0, tzinfo=UTC)
    sell_at(town, student, begin, 300)
    sell_at(town, student, begin, 200)
    town.refusal(("cinema", 100), student=student)
    sell_at(town, student, begin + timedelta(days=2), 700)
    got = days(town, begin + timedelta(days=3))
    assert [day.day for day in got] == [date(2027, 1, 10) + timedelta(n) for n in range(14)]
    figures = {day.day: (day.paid_count, day.paid_cents, day.refused_count) for day in got}
    assert figures.pop(date(2027, 1, 20)) == (2, 500, 1)
    assert figures.pop(date(2027, 1, 22)) == (1, 700, 0)
    assert set(figures.values()) == {(0, 0, 0)}


def test_a_sale_of_the_day_before_the_first_is_left_out_and_one_of_its_first_second_is_in(town):
    student = town.student
    # 1 February begins at 23:00 UTC in Paris.
    midnight = datetime(2027, 1, 31, 23, 0, tzinfo=UTC)
    sell_at(town, student, midnight - timedelta(milliseconds=1), 100)
    sell_at(town, student, midnight, 200)
    got = days(town, datetime(2027, 2, 14, 9, 0, tzinfo=UTC))
    assert (got[0].day, got[0].paid_count, got[0].paid_cents) == (date(2027, 2, 1), 1, 200)
    assert sum(day.paid_count for day in got) == 1


@pytest.mark.parametrize(("night", "hours"), [(SPRING_NIGHT, 23), (AUTUMN_NIGHT, 25)])
def test_a_night_that_changes_the_clocks_belongs_to_its_own_day(town, night, hours):
    student = town.student
    begins = datetime(night.year, night.month, night.day, tzinfo=PARIS).astimezone(UTC)
    moments = [
        (begins - timedelta(minutes=1), 1),
        (begins, 10),
        (begins + timedelta(hours=1, minutes=30), 100),
        (begins + timedelta(hours=2, minutes=30), 200),
        (begins + timedelta(hours=hours, minutes=-1), 400),
        (begins + timedelta(hours=hours), 1_000),
    ]
    for at, cents in moments:
        sell_at(town, student, at, cents)
    got = {day.day: day for day in days(town, begins + timedelta(days=3))}
    assert got[night - timedelta(days=1)].paid_cents == 1
    assert (got[night].paid_count, got[night].paid_cents) == (4, 710)
    assert got[night + timedelta(days=1)].paid_cents == 1_000


@pytest.mark.parametrize(("night", "hours"), [(SPRING_NIGHT, 23), (AUTUMN_NIGHT, 25)])
def test_the_daily_cap_lasts_as_long_as_the_day_of_that_night(town, night, hours):
    student = town.add_student()
    begins = datetime(night.year, night.month, night.day, tzinfo=PARIS).astimezone(UTC)
    for after, approved in [
        (timedelta(0), 1_000),
        (timedelta(hours=hours, minutes=-1), 200),
        (timedelta(hours=hours), 800),
    ]:
        town.clock.at = begins + after
        town.renew_token(student)
        got = town.answer(("books", 1_000), student=student, partial=True)
        assert got["approved_cents"] == approved


def test_the_console_shows_the_days_figures_as_plain_sql_counts_them(town):
    town.clock.at = datetime(2027, 5, 11, 10, 0, tzinfo=UTC)
    shops, students = [town.add_shop(), town.add_shop()], [town.add_student(), town.add_student()]
    for number, cents in enumerate((1_110, 2_220, 3_330)):
        town.answer(("textbooks", cents), student=students[number % 2], till=shops[number % 2])
    town.refusal(("cinema", 100), student=students[0])
    town.refusal(("textbooks", 100), qr="SES1:NONE")
    ((paid, cents, refused),) = town.sql(
        "SELECT count(*) FILTER (WHERE approved_cents > 0), sum(approved_cents)::bigint,"
        " count(*) FILTER (WHERE approved_cents = 0) FROM merchants.decision"
        " WHERE at >= '2027-05-10T22:00Z' AND at < '2027-05-11T22:00Z'"
    )
    assert (paid, cents, refused) == (3, 6_660, 2)
    page = html.fromstring(town.sign_in("officer").get("/console").data)
    (panel,) = page.xpath("//section[@aria-labelledby='purchases-fortnight']")
    said = re.sub(r"\s+", " ", panel.text_content())
    assert "Aujourd'hui : 3 achats · 66,60 € · 2 refus" in said
    rows = [
        [re.sub(r"\s+", " ", cell.text_content()) for cell in row.findall("td")]
        for row in panel.xpath(".//table//tr[td]")
    ]
    assert len(rows) == 14
    assert rows[-1][1:] == ["3", "66,60 €", "2"]
    assert {tuple(row[1:]) for row in rows[:-1]} == {("0", "0,00 €", "0")}


def test_the_console_says_when_a_fortnight_had_no_purchase(town):
    town.clock.at = datetime(2027, 7, 20, 10, 0, tzinfo=UTC)
    page = town.sign_in("officer").get("/console")
    assert "Aucun achat sur ces 14 jours." in text_of(page)


def test_a_purchase_of_later_is_not_counted_today(town):
    sell_at(town, town.student, datetime(2027, 6, 20, 10, 0, tzinfo=UTC))
    assert sum(day.paid_count for day in days(town, datetime(2027, 6, 19, 10, 0, tzinfo=UTC))) == 0


def test_a_site_that_has_sold_is_always_named(town):
    shop = town.add_shop()
    town.answer(("textbooks", 100), till=shop, key=str(uuid4()))
    assert lines(town, town.student)[0].site_name == "Librairie des Trois Ponts"
