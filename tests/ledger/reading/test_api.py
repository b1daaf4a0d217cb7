"""The book for auditors over HTTP: lists that go on, balances as of a moment, proofs, and no names."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest

from ledger.checkpoints import sign_checkpoint
from ledger.entitlements import expire, regrant
from ledger.sealing import seal
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

ROOT = "/api/v1/ledger"


@pytest.fixture
def auditor(visit):
    return visit("auditor")


def walk(client, path, member):
    """Follow `Link` headers to the end; return every row."""
    rows = []
    while path:
        answer = client.get(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        rows.append(answer.get_json()[member])
        link = answer.headers.get("Link", "")
        path = re.fullmatch(r'<(.+)>; rel="next"', link)[1] if link else None
    return rows


def test_accounts_are_listed_by_kind_page_after_page(auditor, books):
    every = [row for rows in walk(auditor, f"{ROOT}/accounts?limit=3", "accounts") for row in rows]
    rows = books.rows.execute("SELECT id::text, kind FROM ledger.account ORDER BY id").fetchall()
    assert [(each["id"], each["kind"]) for each in every] == rows
    (cards,) = walk(auditor, f"{ROOT}/accounts?kind=entitlement", "accounts")
    assert sorted(each["id"] for each in cards) == sorted(map(str, books.cards))


def test_a_balance_is_as_of_either_clock(auditor, books, at):
    books.sell(books.cards[0], 700, at - timedelta(days=10))
    path = f"{ROOT}/accounts/{books.cards[0]}"
    now = auditor.get(path).get_json()
    assert (now["balance"], now["held"], now["kind"]) == (9_300, 0, "entitlement")
    day = quote((at - timedelta(days=11)).isoformat())
    assert auditor.get(f"{path}?counted_before={day}").get_json()["balance"] == 10_000
    day = quote((at - timedelta(days=1)).isoformat())
    assert auditor.get(f"{path}?counted_before={day}").get_json()["balance"] == 9_300
    assert auditor.get(f"{path}?recorded_before={day}").get_json()["balance"] == 0
    payable = auditor.get(f"{ROOT}/accounts/{books.payable}").get_json()
    assert (payable["balance"], payable["held"]) == (700, None)


def test_an_accounts_transfers_come_each_once_the_latest_first(auditor, books, at):
    days = [3, 1, 9, 1, 5, 0, 7]
    sales = [books.sell(books.cards[0], 10, at - timedelta(days=day)) for day in days]
    pages = walk(auditor, f"{ROOT}/accounts/{books.payable}/transfers?limit=2", "transfers")
    assert [len(rows) for rows in pages] == [2, 2, 2, 1]
    found = [each["id"] for rows in pages for each in rows]
    wanted = sorted(sales, key=lambda sale: (sale.counts_at, sale.id), reverse=True)
    assert found == [str(sale.id) for sale in wanted]


def test_a_chain_holds_what_a_transfer_corrects_and_what_corrects_it(auditor, books, database, at):
    sale = books.sell(books.cards[0], 1_000)
    backs = [books.refund(sale, 100), books.refund(sale, 50, to_funders=True)]
    for member in (sale.id, backs[0]):
        chain = auditor.get(f"{ROOT}/transfers/{member}/chain").get_json()["transfers"]
        kinds = [each["kind"] for each in chain]
        assert kinds.count("refund") == 3 and kinds.count("capture") == 1
        assert {each["corrects_id"] for each in chain} == {None, str(sale.id)}
    with unit_of_work(database) as session:
        expire(session, [books.cards[1]], correlation_id=uuid7(at), counts_at=at, at=at)
        regrant(session, books.cards[1], 30, correlation_id=uuid7(at), counts_at=at, at=at)
    named = books.value("SELECT corrects_id FROM ledger.transfer WHERE kind = 'regrant' LIMIT 1")
    chain = auditor.get(f"{ROOT}/transfers/{named}/chain").get_json()["transfers"]
    assert sum(each["kind"] == "regrant" for each in chain) == 2


def test_a_transfer_is_given_as_it_is_sealed_with_its_proof(auditor, books, database, settings, at):
    sale = books.sell(books.cards[0], 1_000)
    path = f"{ROOT}/transfers/{sale.id}"
    shown = auditor.get(path).get_json()
    assert (shown["amount"], shown["debit_account_id"]) == (1_000, str(books.cards[0]))
    refused = auditor.get(f"{path}/proof")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "not_sealed_yet")
    refused = auditor.get(f"{ROOT}/checkpoints/latest")
    assert (refused.status_code, refused.get_json()["code"]) == (404, "no_checkpoint_yet")
    seal(database, at=at)
    kept = sign_checkpoint(database, settings, at=at)
    proof = auditor.get(f"{path}/proof").get_json()
    assert (proof["note"], proof["size"]) == (kept.note, kept.size)
    assert proof["leaf"].startswith(str(sale.id))
    latest = auditor.get(f"{ROOT}/checkpoints/latest").get_json()
    assert (latest["note"], latest["size"], latest["unsealed"]) == (kept.note, kept.size, 0)


def test_calls_for_funds_are_listed(auditor, books, database, at):
    path = f"{ROOT}/calls-for-funds?envelope={books.department}&paying_envelope={books.region}"
    assert auditor.get(path).get_json() == {"calls": []}
    books.rows.execute(
        "SELECT * FROM ledger.call_for_funds(%s, %s, %s, %s, %s)",
        (uuid7(at), books.department, books.region, at + timedelta(hours=-1), at),
    )
    books.sell(books.cards[0], 1_000, at - timedelta(days=1))
    books.rows.execute(
        "SELECT * FROM ledger.call_for_funds(%s, %s, %s, %s, %s)",
        (uuid7(at), books.department, books.region, at, at),
    )
    (call,) = auditor.get(path).get_json()["calls"]
    assert (call["borne_cents"], call["called_cents"]) == (400, 400)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/accounts/{nobody}", 404, "account_unknown"),
        ("/accounts/{nobody}/transfers", 404, "account_unknown"),
        ("/accounts/{payable}/transfers?after={nobody}", 404, "transfer_unknown"),
        ("/transfers/{nobody}", 404, "transfer_unknown"),
        ("/transfers/{nobody}/chain", 404, "transfer_unknown"),
        ("/transfers/{nobody}/proof", 404, "transfer_unknown"),
        ("/accounts?kind=purse", 422, "input_invalid"),
        ("/accounts?limit=0", 422, "input_invalid"),
        ("/accounts?limit=501", 422, "input_invalid"),
        ("/accounts?name=Durand", 422, "input_invalid"),
        ("/accounts/{payable}?counted_before=2026-11-24T09:00:00", 422, "input_invalid"),
        ("/calls-for-funds", 422, "input_invalid"),
        ("/accounts/not-an-id", 404, "not_found"),
    ],
)
def test_bad_questions_get_a_code(auditor, books, at, path, status, code):
    answer = auditor.get(ROOT + path.format(nobody=uuid7(at), payable=books.payable))
    assert answer.mimetype == "application/problem+json"
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_who_may_not_read_is_told_so(visit, app, books):
    assert app.test_client().get(f"{ROOT}/accounts").status_code == 401
    assert visit("officer").get(f"{ROOT}/accounts").status_code == 403
    assert visit("accountant").get(f"{ROOT}/accounts").status_code == 200


def test_the_api_never_says_a_name(auditor, books):
    sale = books.sell(books.cards[0], 10)
    for path in ("accounts", f"accounts/{books.payable}", f"transfers/{sale.id}"):
        text = auditor.get(f"{ROOT}/{path}").get_data(as_text=True)
        assert not re.search("Région|Livres|Librairie|Épée", text)


def test_the_document_describes_every_resource(auditor):
    paths = auditor.get("/api/openapi.json").get_json()["paths"]
    mine = {path: each["get"] for path, each in paths.items() if path.startswith(ROOT)}
    assert len(mine) == 8
    assert all({"200", "401", "403", "404"} <= set(each["responses"]) for each in mine.values())
