"""The commands, on a real database."""

import json
import re

import psycopg
import pytest
from click.testing import CliRunner
from flask import Flask
from lxml import html

from cardsvc.schools import commands
from sesame.platform.command import Process
from sesame.platform.web.language import speak

LUMIERES, AMBRE = "0690026D", "0010001W"


@pytest.fixture
def run(database, scheme, settings, clock, monkeypatch):
    """Run a command as `sesame` does, in French."""
    monkeypatch.setattr(commands, "process", lambda: Process(settings, database, clock))
    app = Flask("test")
    speak(app, lambda: "fr")

    def run(group, *arguments, stdin=None):
        with app.app_context():
            return CliRunner().invoke(group, [str(each) for each in arguments], input=stdin)

    return run


@pytest.fixture
def query(test_database):
    """Raw SQL on what was committed."""

    def query(sql, *arguments):
        with psycopg.connect(test_database.url()) as connection:
            return connection.execute(sql, arguments).fetchall()

    return query


@pytest.fixture
def folder(tmp_path, run, directory_text):
    """A folder for rolls, with a directory of two schools imported."""
    directory = tmp_path / "schools.csv"
    directory.write_text(directory_text, encoding="utf-8")
    answer = run(commands.school, "import", directory, "--json")
    assert (answer.exit_code, json.loads(answer.stdout)["new"]) == (0, 2)
    rolls = tmp_path / "rolls"
    rolls.mkdir()
    return rolls


def test_a_folder_of_rolls_is_imported_whole_in_every_format(folder, run, rolls, query):
    content = rolls.siecle([rolls.Line(rolls.ine(1)), rolls.Line(rolls.ine(2))])
    (folder / "ExportXML_ElevesSansAdresses.zip").write_bytes(rolls.zipped(content))
    (folder / f"FREGATA_{AMBRE}.csv").write_bytes(rolls.fregata([rolls.Line(rolls.ine(3))]))
    (folder / "notes.txt").write_text("not a roll")
    answer = run(commands.roll, "import", folder, "--json")
    assert answer.exit_code == 0
    assert [
        (each["school"], each["imported"], each["changes"]["new"])
        for each in json.loads(answer.stdout)
    ] == [
        (LUMIERES, True, 2),
        (AMBRE, True, 1),
    ]
    assert query("SELECT count(*) FROM cardsvc.beneficiary") == [(3,)]
    again = json.loads(run(commands.roll, "import", folder, "--json").stdout)
    assert [(each["accepted"], each["imported"]) for each in again] == [(True, False)] * 2


def test_a_refused_file_is_told_line_by_line_and_the_others_are_imported(folder, run, rolls, query):
    wrong = rolls.siecle(
        [rolls.Line("bad", given="Secretname"), rolls.Line(rolls.ine(2), born="x")]
    )
    (folder / "a.xml").write_bytes(wrong)
    (folder / "b.xml").write_bytes(rolls.siecle([rolls.Line(rolls.ine(3))], uai=AMBRE))
    (folder / "c.xml").write_bytes(b"<BEE_ELEVES")
    answer = run(commands.roll, "import", folder)
    assert answer.exit_code == 1
    assert re.findall(r"ligne (\d+), (\w+)\s: .* \[(\w+)\]", answer.stdout) == [
        ("10", "ID_NATIONAL", "ine_malformed"),
        ("18", "DATE_NAISS", "date_wrong"),
    ]
    assert "[roll_unreadable]" in answer.stdout
    assert "Secretname" not in answer.output
    assert query("SELECT ine FROM cardsvc.beneficiary") == [(rolls.ine(3),)]


def test_a_preview_says_the_same_and_writes_nothing(folder, run, rolls, query):
    file = folder / "a.xml"
    file.write_bytes(rolls.siecle([rolls.Line(rolls.ine(1)), rolls.Line("")]))
    (answer,) = json.loads(run(commands.roll, "import", file, "--preview", "--json").stdout)
    assert (answer["accepted"], answer["imported"], answer["changes"]["new"]) == (True, False, 1)
    assert [each["reason"] for each in answer["skipped"]] == ["pupil_without_ine"]
    assert query("SELECT count(*) FROM cardsvc.beneficiary") == [(0,)]


def test_a_preview_of_a_wrong_file_fails_too(folder, run, rolls):
    file = folder / "a.xml"
    file.write_bytes(rolls.siecle([rolls.Line("bad")]))
    answer = run(commands.roll, "import", file, "--preview", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)[0]["error"]) == (1, "roll_lines_rejected")


def test_fregata_needs_its_school_beside_it(folder, run, rolls):
    file = folder / "export.csv"
    file.write_bytes(rolls.fregata([rolls.Line(rolls.ine(1))]))
    refused = run(commands.roll, "import", file, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)[0]["error"]) == (1, "roll_school_needed")
    taken = run(commands.roll, "import", file, "--school", AMBRE.lower(), "--json")
    assert (taken.exit_code, json.loads(taken.stdout)[0]["school"]) == (0, AMBRE)


def test_another_schools_file_is_refused(folder, run, rolls, query):
    file = folder / "a.xml"
    file.write_bytes(rolls.siecle([rolls.Line(rolls.ine(1))]))
    answer = run(commands.roll, "import", file, "--school", AMBRE, "--json")
    assert (answer.exit_code, json.loads(answer.stdout)[0]["error"]) == (1, "roll_school_mismatch")
    assert query("SELECT count(*) FROM cardsvc.beneficiary") == [(0,)]


def test_sheets_are_one_page_a_class_with_a_code_for_each_pupil(folder, run, rolls, tmp_path):
    lines = [rolls.Line(rolls.ine(n), given=f"Élève {n}") for n in range(1, 11)]
    lines.append(rolls.Line(rolls.ine(11), given="Léa", division="1 G/1"))
    (folder / "a.xml").write_bytes(rolls.siecle(lines))
    run(commands.roll, "import", folder)
    out = tmp_path / "sheets"
    answer = run(commands.roll, "sheets", "--school", LUMIERES, "--out", out, "--json")
    issued = json.loads(answer.stdout)
    assert len(issued) == 11
    assert {each["class"] for each in issued} == {"2GT03", "1 G/1"}
    assert sorted(page.name for page in out.iterdir()) == [
        f"{LUMIERES}_1%20G%2F1.html",
        f"{LUMIERES}_2GT03.html",
    ]
    page = html.fromstring((out / f"{LUMIERES}_2GT03.html").read_bytes())
    printed = [node.text for node in page.xpath("//p[@class='code']")]
    assert sorted(printed) == sorted(e["code"] for e in issued if e["class"] == "2GT03")
    assert [len(sheet.xpath("./article")) for sheet in page.xpath("//section")] == [8, 2]


def test_a_secretary_is_let_in_with_a_password_from_standard_input(folder, run, query):
    answer = run(
        commands.school, "secretary", LUMIERES, "--login", "lumieres", "--password-stdin",
        stdin="une longue phrase\n",
    )  # fmt: skip
    assert answer.exit_code == 0
    assert query(
        "SELECT i.role, i.login, s.uai FROM platform.identity i "
        "JOIN cardsvc.school s ON s.id = i.subject_id"
    ) == [("school", "lumieres", LUMIERES)]


def test_a_short_password_or_an_unknown_school_lets_nobody_in(folder, run, query):
    short = run(
        commands.school, "secretary", LUMIERES, "--login", "l", "--password-stdin", stdin="court\n"
    )
    assert short.exit_code == 2
    unknown = run(
        commands.school, "secretary", "0690027E", "--login", "l", "--password-stdin",
        stdin="une longue phrase\n",
    )  # fmt: skip
    assert unknown.exit_code == 1
    assert unknown.exception.code == "school_unknown"
    assert query("SELECT count(*) FROM platform.identity") == [(0,)]


def test_a_directory_with_a_wrong_line_fails_and_keeps_the_others(
    run, tmp_path, directory_text, query
):
    file = tmp_path / "schools.csv"
    file.write_text(directory_text.replace(LUMIERES, "0690026E"), encoding="utf-8")
    answer = run(commands.school, "import", file)
    assert answer.exit_code == 1
    assert "[uai_malformed]" in answer.stdout
    assert query("SELECT uai FROM cardsvc.school") == [(AMBRE,)]


@pytest.mark.parametrize(
    "arguments",
    [("roll", "import"), ("roll", "sheets"), ("school", "import"), ("school", "secretary")],
)
def test_every_command_helps_with_an_example(run, arguments):
    group = getattr(commands, arguments[0])
    assert "Example: " in run(group, arguments[1], "--help").stdout.replace("\n", " ")
