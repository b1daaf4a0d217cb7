"""`sesame school` and `sesame roll`: the directory, secretaries, rolls and class sheets."""

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import click
from flask_babel import gettext as _

from cardsvc.schools.codes import IssuedCode, issue_codes
from cardsvc.schools.directory import import_directory, school_by_uai
from cardsvc.schools.reasons import RollLinesRejected
from cardsvc.schools.roll import LineNote
from cardsvc.schools.roll_import import RollPreview, import_roll, preview_roll
from cardsvc.schools.sheets import Sheet, render_sheet
from cardsvc.schools.uai import uai_in
from sesame.platform.command import Process, print_answer, process
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity
from sesame.platform.problems import SesameError
from sesame.platform.scheme import current_scheme

_PATH = click.Path(exists=True, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MIN_PASSWORD = 12
_ROLL_ENDINGS = {".zip", ".xml", ".csv"}


@click.group()
def school() -> None:
    """The directory of schools, and their secretaries."""


@school.command("import")
@click.argument("file", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def school_import(file: Path, as_json: bool) -> None:
    """Add or bring up to date the schools of a directory file (the national open data's columns).

    Example: sesame school import fr-en-annuaire-education.csv
    """
    running = process()
    with unit_of_work(running.database) as session:
        report = import_directory(session, file, running.clock.now())
    answer = {
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "other_sites": report.other_sites,
        "rejected": _notes(report.rejected),
    }
    text = _(
        "%(new)s établissements ajoutés, %(changed)s modifiés, %(unchanged)s inchangés.",
        new=report.new,
        changed=report.changed,
        unchanged=report.unchanged,
    )
    print_answer(answer, as_json=as_json, text="\n".join([text, *_lines(report.rejected)]))
    if report.rejected:
        raise SystemExit(1)


@school.command("secretary")
@click.argument("uai")
@click.option("--login", required=True, help="What they will sign in with.")
@click.option("--password-stdin", is_flag=True, help="Read it from standard input (the default).")
@click.option("--password-file", type=click.File(), help="Or from the first line of a file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def school_secretary(
    uai: str, login: str, password_stdin: bool, password_file: IO[str] | None, as_json: bool
) -> None:
    """Let a school's secretary sign in; the password is the first line of what is read.

    Example: echo "$PASSWORD" | sesame school secretary 0690026D --login lumieres --password-stdin
    """
    if password_stdin and password_file is not None:
        raise click.UsageError("Give --password-stdin or --password-file, not both.")
    source = password_file or click.open_file("-")
    secret = source.readline().rstrip("\r\n")
    if len(secret) < MIN_PASSWORD:
        raise click.UsageError(f"The password must have {MIN_PASSWORD} characters or more.")
    running = process()
    with unit_of_work(running.database) as session:
        place = school_by_uai(session, uai.upper())
        identity_id = create_identity(
            session,
            role="school",
            subject_id=place.id,
            login=login,
            password=secret,
            display_name=_("Secrétariat, %(school)s", school=place.name),
            at=running.clock.now(),
        )
    text = _("Le secrétariat de %(school)s peut se connecter.", school=place.name)
    print_answer({"identity_id": identity_id, "school": place.uai}, as_json=as_json, text=text)


@click.group()
def roll() -> None:
    """School rolls, and the sheets of codes to hand out."""


@roll.command("import")
@click.argument("paths", nargs=-1, required=True, type=_PATH)
@click.option("--school", "uai", help="The school's UAI, where the file doesn't say it (FREGATA).")
@click.option("--preview", is_flag=True, help="Say what would change; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object for each file.")
def roll_import(paths: tuple[Path, ...], uai: str | None, preview: bool, as_json: bool) -> None:
    """Import rolls: SIECLE (XML, zipped or not) or FREGATA (CSV); files, or folders of them.

    Each file is all or nothing. Exit code 1 when any was refused; the others are imported. A FREGATA
    file whose name holds its school's UAI needs no --school.

    Example: sesame roll import ExportXML_ElevesSansAdresses.zip rolls/
    """
    running = process()
    answers = []
    for file in _files(paths):
        answer = _import_one(running, file, uai, preview)
        answers.append(answer)
        if not as_json:
            click.echo(_told(answer))
    if as_json:
        print_answer(answers, as_json=True, text="")
    if any(not answer["accepted"] for answer in answers):
        raise SystemExit(1)


@roll.command("sheets")
@click.option("--school", "uai", required=True, help="The school's UAI.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="The folder to write a page for each class into.")  # fmt: skip
@click.option("--class", "class_name", help="One class only.")
@click.option("--json", "as_json", is_flag=True, help="Print the codes as JSON, with their pupils.")
def roll_sheets(uai: str, out: Path, class_name: str | None, as_json: bool) -> None:
    """Make fresh codes for the pupils who haven't opened their card, a printable page for each class.

    Codes handed out before and not used stop working: only their hash is kept, so none can be
    printed again.

    Example: sesame roll sheets --school 0690026D --out sheets/
    """
    running = process()
    with unit_of_work(running.database) as session:
        place = school_by_uai(session, uai.upper())
        scheme = current_scheme(session)
        codes = issue_codes(
            session,
            running.settings,
            school_id=place.id,
            class_name=class_name,
            at=running.clock.now(),
        )
        # Written before the commit: a full disk must not leave codes that nobody can read.
        by_class: dict[str, list[IssuedCode]] = {}
        for code in codes:
            by_class.setdefault(code.class_name, []).append(code)
        out.mkdir(parents=True, exist_ok=True)
        for name, members in by_class.items():
            sheet = Sheet(place.name, name, scheme.name, running.settings.public_url, scheme.zone)
            page = out / f"{place.uai}_{quote(name, safe='')}.html"
            page.write_text(render_sheet(sheet, members), encoding="utf-8")
            page.chmod(0o600)
    answer = [
        {
            "beneficiary_id": code.beneficiary_id,
            "school": place.uai,
            "class": code.class_name,
            "name": code.name,
            "code": code.code,
        }
        for code in codes
    ]
    text = _(
        "%(codes)s codes faits, %(classes)s feuilles écrites dans %(folder)s.",
        codes=len(codes),
        classes=len(by_class),
        folder=str(out),
    )
    print_answer(answer, as_json=as_json, text=text)


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(
                each for each in path.iterdir()
                if each.is_file() and each.suffix.lower() in _ROLL_ENDINGS
            )  # fmt: skip
        else:
            found.append(path)
    return found


def _import_one(running: Process, file: Path, uai: str | None, dry: bool) -> dict[str, Any]:
    """Import (or preview) one file in a unit of work of its own and return what to tell."""
    at = running.clock.now()
    given = uai.upper() if uai else None
    if given is None and file.suffix.lower() == ".csv":
        given = uai_in(file.name)
    answer: dict[str, Any] = {"file": file.name, "accepted": False, "imported": False}
    try:
        with unit_of_work(running.database) as session:
            preview = preview_roll(session, file, uai=given, at=at)
            answer |= _described(preview)
            if not dry:
                report = import_roll(session, preview, at=at)
                answer |= {"changes": report.changes, "imported": report.roll_id is not None}
        answer["accepted"] = not preview.rejected
        if preview.rejected:
            answer["error"] = RollLinesRejected.reason.code
    except SesameError as refusal:
        answer |= {"error": refusal.code, "sentence": refusal.sentence()}
    return answer


def _described(preview: RollPreview) -> dict[str, Any]:
    return {
        "school": preview.school.uai,
        "school_year": preview.school_year,
        "pupils": len(preview.accepted),
        "changes": preview.changes,
        "already_imported": preview.already_imported,
        "skipped": _notes(preview.skipped),
        "rejected": _notes(preview.rejected),
    }


def _notes(notes: Iterable[LineNote]) -> list[dict[str, Any]]:
    return [
        {
            "line": note.line_number,
            "field": note.field,
            "reason": note.reason_code,
            "sentence": note.sentence,
        }
        for note in notes
    ]


def _lines(notes: Iterable[LineNote]) -> list[str]:
    return [_line(note) for note in _notes(notes)]


def _line(note: dict[str, Any]) -> str:
    told: str = _(
        "  ligne %(line)s, %(field)s : %(sentence)s [%(reason)s]",
        line=note["line"],
        field=note["field"] or "–",
        sentence=note["sentence"],
        reason=note["reason"],
    )
    return told


def _told(answer: dict[str, Any]) -> str:
    """Return what a person reads of one file: its figures, then each line that needs mending."""
    name = answer["file"]
    lines = []
    if answer.get("sentence"):
        lines.append(f"{name} : {answer['sentence']} [{answer['error']}]")
    elif "changes" in answer:
        lines.append(
            _(
                "%(file)s : %(school)s, %(new)s nouveaux, %(changed)s modifiés, "
                "%(arrived)s arrivés, %(left)s partis, %(unchanged)s inchangés, "
                "%(skipped)s laissés de côté",
                file=name,
                school=answer["school"],
                skipped=len(answer["skipped"]),
                **answer["changes"],
            )
        )
    lines += [_line(note) for note in answer.get("rejected", [])]
    return "\n".join(lines)
