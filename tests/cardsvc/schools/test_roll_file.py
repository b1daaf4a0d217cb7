"""Reading what was sent: the formats, their faults, and files made to harm. No database."""

import hashlib
import io
import zipfile
from datetime import date

import pytest

from cardsvc.schools.reasons import (
    RollEncodingUnknown,
    RollForbiddenXml,
    RollNotARoll,
    RollParameterWrong,
    RollRefused,
    RollSchoolMismatch,
    RollTooLarge,
    RollUnreadable,
    RollVersionUnknown,
    RollZipBomb,
    RollZipRefused,
)
from cardsvc.schools.roll_file import LARGEST_BYTES, MOST_TAGS, read_roll

TODAY = date(2026, 11, 24)
LUMIERES, AMBRE = "0690026D", "0010001W"


def read(content, uai=None):
    return read_roll(content, uai=uai, on=TODAY)


def faults(roll):
    return [(note.field, note.reason_code) for note in roll.rejected]


def test_a_pupil_is_read_with_the_names_that_only_iso_8859_15_has(rolls):
    roll = read(rolls.siecle([rolls.Line(rolls.ine(1), family="LEBŒUF", given="Anaïs")]))
    (pupil,) = roll.pupils
    assert (pupil.family_name, pupil.given_name, pupil.birth_date) == (
        "LEBŒUF",
        "Anaïs",
        date(2010, 2, 3),
    )
    assert (pupil.ine, pupil.class_name, pupil.grade, pupil.status) == (
        rolls.ine(1),
        "2GT03",
        "seconde",
        "lyceen",
    )
    assert (roll.uai, roll.school_year, roll.exported_on) == (LUMIERES, 2026, date(2026, 9, 15))


def test_utf_8_and_a_byte_order_mark_are_read_too(rolls):
    content = rolls.siecle([rolls.Line(rolls.ine(1), given="Anaïs")], encoding="UTF-8")
    assert read(content).pupils[0].given_name == "Anaïs"
    assert read(b"\xef\xbb\xbf" + content).pupils[0].given_name == "Anaïs"


def test_a_zipped_file_reads_the_same_and_has_the_hash_of_its_content(rolls):
    content = rolls.siecle([rolls.Line(rolls.ine(n)) for n in range(200)])
    roll = read(rolls.zipped(content))
    assert roll == read(content)
    assert roll.file_hash == hashlib.sha256(content).digest()


def test_a_file_is_read_from_its_path(rolls, tmp_path):
    file = tmp_path / "ElevesSansAdresses.xml"
    file.write_bytes(rolls.siecle([rolls.Line(rolls.ine(1))]))
    assert len(read(file).pupils) == 1


@pytest.mark.parametrize("version", ["1.7", "1.8", "2.0", "2.1"])
def test_the_versions_in_use_are_read(rolls, version):
    assert len(read(rolls.siecle([rolls.Line(rolls.ine(1))], version=version)).pupils) == 1


@pytest.mark.parametrize("version", ["", "1.6", "2.2", "10.1", "deux"])
def test_another_version_is_refused(rolls, version):
    with pytest.raises(RollVersionUnknown) as refusal:
        read(rolls.siecle([rolls.Line(rolls.ine(1))], version=version))
    assert refusal.value.code == "roll_version_unknown"


def test_older_versions_name_the_number_and_the_family_name_otherwise(rolls):
    content = (
        rolls.siecle([rolls.Line("123456789AB")], version="1.7")
        .replace(b"ID_NATIONAL>", b"INE_RNIE>")
        .replace(b"NOM_DE_FAMILLE>", b"NOM>")
    )
    assert [(p.ine, p.family_name) for p in read(content).pupils] == [("123456789AB", "EXEMPLE")]
    older = content.replace(b"INE_RNIE>123456789AB</INE_RNIE", b"INE_BEA>0690012345K</INE_BEA")
    assert [p.ine for p in read(older).pupils] == ["0690012345K"]


def test_the_class_is_the_division_and_never_a_group(rolls):
    content = rolls.siecle([rolls.Line(rolls.ine(1)), rolls.Line(rolls.ine(2), division="")])
    content = content.replace(b"</STRUCTURES>", b"").replace(
        b"</DONNEES>",
        b'<STRUCTURES_ELEVE ELEVE_ID="2"><STRUCTURE><CODE_STRUCTURE>GR9</CODE_STRUCTURE>'
        b"<TYPE_STRUCTURE>G</TYPE_STRUCTURE></STRUCTURE></STRUCTURES_ELEVE></STRUCTURES></DONNEES>",
    )
    roll = read(content)
    assert [pupil.class_name for pupil in roll.pupils] == ["2GT03"]
    assert [note.reason_code for note in roll.skipped] == ["pupil_without_class"]


@pytest.mark.parametrize("number", ["123456789AB", "0690012345K", "069_012345K", "2026A12345B"])
def test_every_form_of_the_national_number_is_taken(rolls, number):
    assert [pupil.ine for pupil in read(rolls.siecle([rolls.Line(number)])).pupils] == [number]


@pytest.mark.parametrize(
    ("changes", "field", "reason_code"),
    [
        ({"ine": "123"}, "ID_NATIONAL", "ine_malformed"),
        ({"ine": "1234567890AB"}, "ID_NATIONAL", "ine_malformed"),
        ({"ine": "ABCDEFGHIJK"}, "ID_NATIONAL", "ine_malformed"),
        ({"born": "31/02/2010"}, "DATE_NAISS", "date_wrong"),
        ({"born": "2010-02-03"}, "DATE_NAISS", "date_wrong"),
        ({"born": "3/2/2010"}, "DATE_NAISS", "date_wrong"),
        ({"born": ""}, "DATE_NAISS", "date_wrong"),
        ({"born": "24/11/2026"}, "DATE_NAISS", "birth_date_implausible"),
        ({"born": "03/02/1910"}, "DATE_NAISS", "birth_date_implausible"),
        ({"left": "30/02/2026"}, "DATE_SORTIE", "date_wrong"),
        ({"given": ""}, "PRENOM", "name_missing"),
        ({"family": ""}, "NOM_DE_FAMILLE", "name_missing"),
        ({"family": "E" * 101}, "NOM_DE_FAMILLE", "text_too_long"),
        ({"division": "2" * 41}, "CODE_STRUCTURE", "text_too_long"),
        ({"mef": ""}, "CODE_MEF", "mef_malformed"),
        ({"mef": "2001001811"}, "CODE_MEF", "mef_malformed"),
    ],
)
def test_a_wrong_field_rejects_its_line_by_number_field_and_reason(
    rolls, changes, field, reason_code
):
    content = rolls.siecle([rolls.Line(rolls.ine(1)), rolls.Line(rolls.ine(2)).but(**changes)])
    roll = read(content)
    assert faults(roll) == [(field, reason_code)]
    line = content.splitlines()[roll.rejected[0].line_number - 1]
    assert line.startswith(b'<ELEVE ELEVE_ID="2"')
    assert roll.rejected[0].sentence.endswith(".")


def test_every_fault_of_a_line_is_told_at_once(rolls):
    roll = read(rolls.siecle([rolls.Line("1", born="x", given="", mef="1")]))
    assert [code for _field, code in faults(roll)] == [
        "ine_malformed",
        "date_wrong",
        "name_missing",
        "mef_malformed",
    ]


def test_the_same_number_twice_in_a_file_is_rejected(rolls):
    twice = [rolls.Line("123456789AB"), rolls.Line("123456789ab", given="Ali")]
    assert faults(read(rolls.siecle(twice))) == [("ID_NATIONAL", "ine_duplicate")]
    assert faults(read(rolls.fregata(twice), AMBRE)) == [("Identifiant unique*", "ine_duplicate")]


def test_lines_are_counted_beyond_65535(rolls):
    padding = b"\n" * 70_000
    content = rolls.siecle([rolls.Line("bad")]).replace(b"<ELEVES>", padding + b"<ELEVES>")
    assert read(content).rejected[0].line_number > 70_000


@pytest.mark.parametrize(
    "attack",
    [
        '<!DOCTYPE BEE_ELEVES [<!ENTITY a "{}">]>',
        '<!DOCTYPE BEE_ELEVES SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE BEE_ELEVES [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE BEE_ELEVES [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    ],
)
def test_entities_and_document_types_are_refused_before_the_parser_sees_them(rolls, attack):
    content = rolls.siecle([rolls.Line(rolls.ine(1), given="&a;")])
    harmful = content.replace(b"<BEE_ELEVES", attack.encode() + b"\n<BEE_ELEVES", 1)
    with pytest.raises(RollForbiddenXml) as refusal:
        read(harmful)
    assert refusal.value.code == "roll_forbidden_xml"
    with pytest.raises(RollForbiddenXml):
        read(rolls.zipped(harmful))


def test_a_billion_laughs_are_refused(rolls):
    levels = "".join(
        f'<!ENTITY l{n} "{"".join(f"&l{n - 1};" for _ in range(10))}">' for n in range(1, 10)
    )
    laughs = f'<!DOCTYPE BEE_ELEVES [<!ENTITY l0 "lol">{levels}]>'.encode()
    content = rolls.siecle([rolls.Line(rolls.ine(1), given="&l9;")])
    with pytest.raises(RollForbiddenXml):
        read(content.replace(b"<BEE_ELEVES", laughs + b"<BEE_ELEVES", 1))


def test_a_document_type_hidden_behind_a_long_comment_is_refused(rolls):
    hidden = b"<!--" + b" " * 10_000 + b'--><!DOCTYPE BEE_ELEVES [<!ENTITY a "b">]>'
    content = rolls.siecle([rolls.Line(rolls.ine(1))])
    with pytest.raises(RollForbiddenXml):
        read(content.replace(b"<BEE_ELEVES", hidden + b"<BEE_ELEVES", 1))


def test_a_document_type_across_two_reads_is_refused(rolls):
    content = rolls.siecle([rolls.Line(rolls.ine(1))])
    for shift in range(4080, 4100):
        head, tail = content.split(b"<DONNEES>", 1)
        padded = head + b" " * (shift - len(head)) + b"<!DOCTYPE x><DONNEES>" + tail
        with pytest.raises(RollForbiddenXml):
            read(padded)


def test_an_entity_that_nothing_declares_is_a_broken_file(rolls):
    with pytest.raises(RollUnreadable):
        read(rolls.siecle([rolls.Line(rolls.ine(1), given="&a;")]))


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_a_file_cut_short_is_refused_with_the_line_where_it_stops(rolls, cut):
    content = rolls.siecle([rolls.Line(rolls.ine(n)) for n in range(50)])
    with pytest.raises(RollUnreadable) as refusal:
        read(content[: int(len(content) * cut)])
    assert refusal.value.code == "roll_unreadable"
    assert 1 <= refusal.value.figures["line"] <= content[: int(len(content) * cut)].count(b"\n") + 1


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", RollNotARoll),
        (b"%PDF-1.7 nothing of ours", RollNotARoll),
        (b"Nom;Classe\nEXEMPLE;2GT03\n", RollNotARoll),
        (b"<html><body>401</body></html>", RollNotARoll),
        (b'<?xml version="1.0"?><BEE_RESPONSABLES VERSION="2.1"/>', RollNotARoll),
        (b"<", RollUnreadable),
        (b'<?xml version="1.0" encoding="UTF-7"?><BEE_ELEVES/>', RollEncodingUnknown),
        ("<BEE_ELEVES/>".encode("utf-16"), RollEncodingUnknown),
        (b"a\0b;c", RollEncodingUnknown),
        (b"Identifiant unique*;Pr\xe9nom", RollEncodingUnknown),
        (b"PK\x03\x04 not an archive at all", RollZipRefused),
    ],
)
def test_a_file_that_isnt_what_it_should_be_is_refused(content, refusal):
    with pytest.raises(refusal) as raised:
        read(content, AMBRE)
    assert isinstance(raised.value, RollRefused)
    assert raised.value.sentence()


@pytest.mark.parametrize(
    ("was", "becomes", "field"),
    [
        (b"<UAJ>0690026D</UAJ>", b"", "UAJ"),
        (b"<UAJ>0690026D</UAJ>", b"<UAJ>0690026E</UAJ>", "UAJ"),
        (b"<ANNEE_SCOLAIRE>2026", b"<ANNEE_SCOLAIRE>26", "ANNEE_SCOLAIRE"),
        (b"<DATE_EXPORT>15/09", b"<DATE_EXPORT>31/09", "DATE_EXPORT"),
    ],
)
def test_a_files_own_parameters_must_be_right(rolls, was, becomes, field):
    with pytest.raises(RollParameterWrong) as refusal:
        read(rolls.siecle([rolls.Line(rolls.ine(1))]).replace(was, becomes))
    assert refusal.value.figures == {"field": field}


def test_another_schools_file_is_refused(rolls):
    with pytest.raises(RollSchoolMismatch) as refusal:
        read(rolls.siecle([rolls.Line(rolls.ine(1))]), AMBRE)
    assert refusal.value.figures == {"found": LUMIERES, "expected": AMBRE}


def test_a_zip_bomb_is_refused_without_being_unpacked(rolls):
    bomb = rolls.zipped(b"<BEE_ELEVES>" + b" " * (50 * 1024 * 1024))
    assert len(bomb) < 100_000
    with pytest.raises(RollZipBomb) as refusal:
        read(bomb)
    assert refusal.value.code == "roll_zip_bomb"


def test_an_archive_that_lies_about_its_size_is_refused(rolls):
    content = b"<BEE_ELEVES>" + b" " * (20 * 1024 * 1024)
    size = len(content).to_bytes(4, "little")
    bomb = rolls.zipped(content)
    assert bomb.count(size) == 2
    with pytest.raises((RollZipBomb, RollZipRefused)):
        read(bomb.replace(size, (1000).to_bytes(4, "little")))


@pytest.mark.parametrize("names", [("a.xml", "b.xml"), ()])
def test_an_archive_holds_exactly_one_file(rolls, names):
    content = rolls.siecle([rolls.Line(rolls.ine(1))])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, content)
        archive.writestr(zipfile.ZipInfo("folder/"), "")
    with pytest.raises(RollZipRefused):
        read(buffer.getvalue())


def test_a_damaged_archive_is_refused(rolls):
    archive = bytearray(rolls.zipped(rolls.siecle([rolls.Line(rolls.ine(n)) for n in range(99)])))
    archive[len(archive) // 3] ^= 0xFF
    with pytest.raises(RollRefused):
        read(bytes(archive))


def test_more_than_any_school_could_send_is_refused(rolls):
    with pytest.raises(RollTooLarge):
        read(b"<" + b" " * LARGEST_BYTES)
    with pytest.raises(RollTooLarge):
        read(b"<BEE_ELEVES>" + b"<a/>" * (MOST_TAGS + 1))


def test_fregata_is_read_with_its_exact_header(rolls):
    lines = [
        rolls.Line(rolls.ine(1), mef="27621112310", division="2PROD", usual="AUTRE"),
        rolls.Line(rolls.ine(2), status="AP", mef="27121405210", division="1CAP"),
        rolls.Line("", division="2PROD"),
        rolls.Line(rolls.ine(4), division=""),
    ]
    roll = read(rolls.fregata(lines), AMBRE)
    assert [(p.line_number, p.grade, p.status, p.usual_name) for p in roll.pupils] == [
        (2, "seconde", "lyceen", "AUTRE"),
        (3, "cap1", "apprentice", None),
    ]
    assert [(n.line_number, n.reason_code) for n in roll.skipped] == [
        (4, "pupil_without_ine"),
        (5, "pupil_without_class"),
    ]
    assert (roll.format, roll.school_year, roll.uai) == ("fregata", None, AMBRE)


def test_fregata_lines_with_missing_columns_or_wrong_dates_are_rejected(rolls):
    content = rolls.fregata([rolls.Line(rolls.ine(1)), rolls.Line(rolls.ine(2), born="30/02/2010")])
    content = content.replace(b";2GT03\r\n", b"\r\n", 1)
    roll = read(content, AMBRE)
    assert [(n.line_number, n.field, n.reason_code) for n in roll.rejected] == [
        (2, "", "columns_wrong"),
        (3, "Date de naissance (jj/mm/aaaa)*", "date_wrong"),
    ]


def test_a_fregata_header_in_another_order_is_refused(rolls):
    lines = rolls.fregata([rolls.Line(rolls.ine(1))]).decode("utf-8-sig").split("\r\n")
    columns = lines[0].split(";")
    shuffled = ";".join([columns[1], columns[0], *columns[2:]])
    with pytest.raises(RollNotARoll):
        read("\r\n".join([shuffled, *lines[1:]]).encode(), AMBRE)


def test_what_is_shown_of_a_rejected_line_never_goes_into_its_repr(rolls):
    roll = read(rolls.siecle([rolls.Line("bad", family="SECRETNAME", given="Hidden")]))
    assert roll.rejected[0].pupil == "Hidden S."
    assert "Hidden" not in repr(roll.rejected[0])
