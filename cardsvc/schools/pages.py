"""The secretary's pages: the state of the roll, sending a new one, the classes and their sheets."""

from typing import cast
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from cardsvc.schools.classes import classes_of, last_roll, pupils_of
from cardsvc.schools.codes import IssuedCode, issue_codes
from cardsvc.schools.drafts import draft_content, drop_draft, save_draft
from cardsvc.schools.model import School
from cardsvc.schools.reasons import RollRefused
from cardsvc.schools.roll_file import LARGEST_BYTES
from cardsvc.schools.roll_import import RollPreview, import_roll, preview_roll
from cardsvc.schools.sheets import Sheet, render_sheet
from sesame.platform.database import unit_of_work
from sesame.platform.identity import requires, signed_in
from sesame.platform.problems import NotFound
from sesame.platform.scheme import current_scheme
from sesame.platform.web import current
from sesame.platform.web.bodies import takes_file

blueprint = Blueprint(
    "schools",
    __name__,
    template_folder="templates",
    static_folder="static/schools",
    static_url_path="/static/schools",
)
SHOWN_LINES = 500
"""Lines shown of one list; a file that is wrong throughout would make a page of megabytes."""


@blueprint.get("/school")
@requires("school")
def home() -> str:
    """Show what the school's roll says and where its classes stand; ask for a roll if there is none."""
    with unit_of_work(current().database) as session:
        return _home(session)


@blueprint.post("/school/roll")
@takes_file(LARGEST_BYTES)
@requires("school")
def send_roll() -> Response | tuple[str, int]:
    """Take a file and lead to its preview; a file that can't be read at all is refused here."""
    sent = request.files.get("file")
    content = sent.read() if sent else b""
    at = current().clock.now()
    with unit_of_work(current().database) as session:
        school = _school(session)
        if not content:
            return _home(session, refusal=_("Choisissez d'abord le fichier exporté.")), 422
        try:
            preview_roll(session, content, uai=school.uai, at=at)
        except RollRefused as refusal:
            return _home(session, refusal=refusal.sentence(), code=refusal.code), (
                refusal.reason.status
            )
        draft_id = save_draft(session, school.id, content, at)
    return _to("schools.review_roll", draft_id=draft_id)


@blueprint.get("/school/roll/<uuid:draft_id>")
@requires("school")
def review_roll(draft_id: UUID) -> str:
    """Show every rejected line and every difference of a roll that was sent, before anything is
    written.
    """
    with unit_of_work(current().database) as session:
        return _review(_draft_preview(session, draft_id), draft_id)


@blueprint.post("/school/roll/<uuid:draft_id>")
@requires("school")
def confirm_roll(draft_id: UUID) -> Response:
    """Import the roll that was reviewed. What changed in between is worked out again."""
    at = current().clock.now()
    with unit_of_work(current().database) as session:
        preview = _draft_preview(session, draft_id)
        import_roll(session, preview, at=at, imported_by=signed_in().id)
        drop_draft(session, draft_id)
    flash(_("La base élèves est à jour."), "ok")
    return _to("schools.home")


@blueprint.get("/school/sheets/<path:class_name>")
@requires("school")
def class_page(class_name: str) -> str:
    """Show a class: who has opened their card, who has a code, and what printing would do."""
    at = current().clock.now()
    with unit_of_work(current().database) as session:
        school = _school(session)
        pupils = pupils_of(session, school.id, class_name, at)
    if not pupils:
        raise NotFound()
    return render_template(
        "schools/class.html", school=school, class_name=class_name, pupils=pupils
    )


@blueprint.post("/school/sheets/<path:class_name>")
@requires("school")
def print_sheet(class_name: str) -> str:
    """Make fresh codes and show them once, to print: for the class, or for one pupil by name."""
    only = request.form.get("pupil")
    at = current().clock.now()
    with unit_of_work(current().database) as session:
        school = _school(session)
        members = {pupil.beneficiary_id for pupil in pupils_of(session, school.id, class_name, at)}
        if not members or (only and _uuid(only) not in members):
            raise NotFound()
        codes = issue_codes(
            session,
            current().settings,
            school_id=school.id,
            class_name=class_name,
            only=_uuid(only) if only else None,
            at=at,
        )
        return _sheet(session, school, class_name, codes)


def _sheet(session: Session, school: School, class_name: str, codes: list[IssuedCode]) -> str:
    scheme = current_scheme(session)
    sheet = Sheet(
        school_name=school.name,
        class_name=class_name,
        scheme_name=scheme.name,
        public_url=current().settings.public_url,
        zone=scheme.zone,
    )
    style = url_for("schools.static", filename="sheets.css")
    return render_sheet(sheet, codes, stylesheet_url=style)


def _school(session: Session) -> School:
    """Return the school that the person signed in acts for."""
    school = session.get(School, signed_in().subject_id)
    if school is None:
        raise NotFound()
    return school


def _home(session: Session, *, refusal: str = "", code: str = "") -> str:
    school = _school(session)
    return render_template(
        "schools/home.html",
        school=school,
        roll=last_roll(session, school.id),
        classes=classes_of(session, school.id, current().clock.now()),
        zone=current_scheme(session).zone,
        refusal=refusal,
        code=code,
    )


def _draft_preview(session: Session, draft_id: UUID) -> RollPreview:
    school = _school(session)
    at = current().clock.now()
    content = draft_content(session, school.id, draft_id, at)
    return preview_roll(session, content, uai=school.uai, at=at)


def _review(preview: RollPreview, draft_id: UUID) -> str:
    return render_template(
        "schools/review.html",
        preview=preview,
        draft_id=draft_id,
        rejected_lines=len({note.line_number for note in preview.rejected}),
        shown=SHOWN_LINES,
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound() from None


def _to(endpoint: str, **values: object) -> Response:
    return cast(Response, redirect(url_for(endpoint, **values), code=303))  # type: ignore[arg-type]
