"""The bank file, judged by the official schema and by sums of our own over XPath."""

from dataclasses import replace
from decimal import Decimal

import pytest
from lxml import etree

from merchants.rails.reasons import (
    BankFileInvalid,
    OrderAmountInvalid,
    OrderEmpty,
    OrderPartyInvalid,
    OrderReferenceInvalid,
)
from merchants.rails.sepa import MAX_TRANSFER_CENTS, Address, bank_file

NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}


@pytest.fixture
def official_schema(settings):
    return etree.XMLSchema(etree.parse(settings.real_data / "iso20022-xsd" / "pain.001.001.09.xsd"))


@pytest.fixture
def sample(settings):
    name = "fr.sepa.sct-supplier.pain.001.001.09.xml"
    return etree.parse(settings.real_data / "iso20022-samples" / name)


def read(content):
    return etree.fromstring(content)


def texts(tree, path):
    return [str(each) for each in tree.xpath(f"{path}/text()", namespaces=NS)]


def test_the_file_is_valid_against_the_official_schema(order, official_schema):
    official_schema.assertValid(read(bank_file(order)))


def test_the_judge_refuses_a_file_that_lacks_its_message_id(order, official_schema):
    tree = read(bank_file(order))
    message_id = tree.find(".//p:MsgId", NS)
    message_id.getparent().remove(message_id)
    assert not official_schema.validate(tree)


def test_the_control_sums_are_those_of_the_payments(order):
    tree = read(bank_file(order))
    amounts = [Decimal(each) for each in texts(tree, "//p:InstdAmt")]
    assert amounts == [Decimal("57.60"), Decimal("0.10")]
    assert texts(tree, "//p:CtrlSum") == [str(sum(amounts))] * 2
    assert texts(tree, "//p:NbOfTxs") == ["2", "2"]
    assert set(tree.xpath("//p:InstdAmt/@Ccy", namespaces=NS)) == {"EUR"}


def test_the_same_order_gives_the_same_bytes(order):
    assert bank_file(order) == bank_file(replace(order))


def test_who_pays_whom_when_and_under_which_reference(order):
    tree = read(bank_file(order))
    assert texts(tree, "//p:MsgId") == [order.message_id]
    assert texts(tree, "//p:PmtInfId") == [order.message_id]
    assert texts(tree, "//p:CreDtTm") == ["2026-11-24T09:00:05Z"]
    assert texts(tree, "//p:ReqdExctnDt/p:Dt") == ["2026-11-25"]
    assert texts(tree, "//p:BtchBookg") == ["true"]
    assert texts(tree, "//p:SvcLvl/p:Cd") == ["SEPA"]
    assert texts(tree, "//p:ChrgBr") == ["SLEV"]
    assert texts(tree, "//p:EndToEndId") == ["E2E-1", "E2E-2"]
    assert texts(tree, "//p:DbtrAcct//p:IBAN") == ["FR1420041010050500013M02606"]
    assert texts(tree, "//p:CdtrAcct//p:IBAN") == [
        "FR7630006000011234567890189",
        "DE89370400440532013000",
    ]


def test_names_and_information_are_in_the_banks_character_set(order):
    tree = read(bank_file(order))
    assert texts(tree, "//p:Dbtr/p:Nm") == ["Region Val-d'Ambre + Cie"]
    assert texts(tree, "//p:Cdtr/p:Nm") == ["Librairie de l'Epee", "Cinema Le Phare"]
    assert texts(tree, "//p:Ustrd") == ["Remboursement + ventes", "Remboursement"]


def test_addresses_are_structured_and_never_lines(order):
    tree = read(bank_file(order))
    first, second = tree.xpath("//p:Cdtr/p:PstlAdr", namespaces=NS)
    assert [(etree.QName(each).localname, each.text) for each in first] == [
        ("StrtNm", "rue des Ecoles"),
        ("BldgNb", "12 bis"),
        ("PstCd", "42000"),
        ("TwnNm", "Saint-Etienne"),
        ("Ctry", "FR"),
    ]
    assert [etree.QName(each).localname for each in second] == ["PstCd", "TwnNm", "Ctry"]
    assert tree.xpath("count(//p:AdrLine)", namespaces=NS) == 0


def test_a_payee_without_bic_has_no_agent_and_a_payer_without_says_not_provided(order):
    tree = read(bank_file(replace(order, debtor=replace(order.debtor, bic=None))))
    assert texts(tree, "//p:CdtrAgt//p:BICFI") == ["AGRIFRPP"]
    assert texts(tree, "//p:DbtrAgt//p:Othr/p:Id") == ["NOTPROVIDED"]
    assert texts(tree, "//p:DbtrAgt//p:BICFI") == []


def test_without_bics_the_file_is_still_valid(order, paying, official_schema):
    bare = paying(creditor={"bic": None})
    bare = replace(bare, debtor=replace(bare.debtor, bic=None))
    official_schema.assertValid(read(bank_file(bare)))


def test_each_element_of_ours_stands_where_the_french_sample_has_it(order, sample):
    """The sample carries more (a SIREN, a structured reference): ours adds a purpose's place only."""

    def paths(tree):
        return {
            "/".join(etree.QName(e).localname for e in [*reversed(list(n.iterancestors())), n])
            for n in tree.iter(etree.Element)
        }

    ours = paths(read(bank_file(order))) - paths(sample)
    address = {
        f"Document/CstmrCdtTrfInitn/PmtInf/{party}/PstlAdr/{tag}"
        for party in ("Dbtr", "CdtTrfTxInf/Cdtr")
        for tag in ("StrtNm", "BldgNb")
    }
    assert ours == address | {"Document/CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf/RmtInf/Ustrd"}


def test_markup_in_a_name_stays_text(order, paying, official_schema):
    content = bank_file(paying(creditor={"name": "A</Nm><Nm>B & C"}))
    official_schema.assertValid(read(content))
    assert texts(read(content), "//p:Cdtr/p:Nm")[0] == "A./Nm..Nm.B + C"


def test_an_order_without_payments_is_refused(order):
    with pytest.raises(OrderEmpty):
        bank_file(replace(order, transfers=[]))


@pytest.mark.parametrize("cents", [0, -1, MAX_TRANSFER_CENTS + 1])
def test_an_amount_that_no_transfer_carries_is_refused(paying, cents):
    with pytest.raises(OrderAmountInvalid) as refused:
        bank_file(paying(amount_cents=cents))
    assert refused.value.code == "payment_amount_invalid"


def test_the_largest_amount_is_written_to_the_cent(paying, official_schema):
    tree = read(bank_file(paying(amount_cents=MAX_TRANSFER_CENTS)))
    official_schema.assertValid(tree)
    assert texts(tree, "//p:InstdAmt")[0] == "999999999.99"


@pytest.mark.parametrize("reference", ["/x", "x" * 36, "E2E-2", "FR-VA-20261124-0A1B2C3D4E5F"])
def test_a_reference_malformed_or_used_twice_is_refused(paying, reference):
    with pytest.raises(OrderReferenceInvalid) as refused:
        bank_file(paying(end_to_end_id=reference))
    assert refused.value.code == "payment_reference_invalid"


@pytest.mark.parametrize(
    ("creditor", "field"),
    [
        ({"iban": "FR7630006000011234567890188"}, "iban"),  # wrong IBAN key
        ({"iban": "FR7630006000011234567890100"}, "iban"),
        ({"iban": "FR0630006000011234567890188"}, "iban"),  # right IBAN key, wrong RIB key
        ({"iban": "BR1500000000000010932840814P2"}, "iban"),  # right, outside SEPA
        ({"iban": "not an iban"}, "iban"),
        ({"bic": "NOPE"}, "bic"),
        ({"name": "漢字"}, "name"),
        ({"address": Address("rue", "1", "漢", "FR")}, "town"),
        ({"address": Address("rue", "1", "Lyon", "France")}, "country"),
    ],
)
def test_a_payee_that_a_bank_would_refuse_is_named_by_payment_and_field(paying, creditor, field):
    with pytest.raises(OrderPartyInvalid) as refused:
        bank_file(paying(creditor=creditor))
    assert refused.value.code == "payment_party_invalid"
    assert refused.value.figures == {"end_to_end_id": "E2E-1", "field": field}


def test_the_right_iban_key_of_the_wrong_rib_is_really_right():
    """The row above tests the RIB key alone: its IBAN key holds (ISO 13616, modulo 97)."""
    iban = "FR0630006000011234567890188"
    digits = "".join(str(int(each, 36)) for each in iban[4:] + iban[:4])
    assert int(digits) % 97 == 1


def test_a_file_that_the_schema_refuses_is_never_given_out(paying):
    with pytest.raises(BankFileInvalid):
        bank_file(paying(information=""))


def test_a_wrong_account_of_the_payer_is_refused(order):
    with pytest.raises(OrderPartyInvalid):
        bank_file(replace(order, debtor=replace(order.debtor, iban="FR00")))
