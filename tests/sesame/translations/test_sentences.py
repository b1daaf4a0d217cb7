"""Which sentences are found in the code, and what is wrong with a catalogue."""

from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from sesame.translations.catalogues import problems, sentences, update

PYTHON = """
from flask_babel import gettext as _, lazy_gettext as _l, ngettext
TITLE = _l("Partenaires")
def say(count):
    return _("Bonjour %(name)s", name="x") + ngettext("%(num)s jour", "%(num)s jours", count)
class Jammed(SesameError):
    reason = declare(Reason("jammed", 409, "La porte "
        "est bloquée.", holder="Pousse la porte."))
class Silent(SesameError):
    reason = problems.Reason(code="silent", status=409, sentence="Rien.")
"""
TEMPLATE = """{% extends "layout.html" %}{% block main %}<h1>{{ _("Vos élèves") }}</h1>
{{ ngettext("une classe", "%(num)s classes", 3) }}{% endblock %}"""
FOUND = {
    "Partenaires",
    "Bonjour %(name)s",
    ("%(num)s jour", "%(num)s jours"),
    "La porte est bloquée.",
    "Pousse la porte.",
    "Rien.",
    "Vos élèves",
    ("une classe", "%(num)s classes"),
}


@pytest.fixture
def project(tmp_path):
    """A small project with a page and some reasons."""
    config = Path(__file__).resolve().parents[3] / "babel.cfg"
    (tmp_path / "babel.cfg").write_bytes(config.read_bytes())
    folder = tmp_path / "room" / "templates" / "feature"
    folder.mkdir(parents=True)
    (folder / "x.html").write_text(TEMPLATE, encoding="utf-8")
    (tmp_path / "room" / "x.py").write_text(PYTHON, encoding="utf-8")
    return tmp_path


def _catalogue(tmp_path, text):
    path = tmp_path / "messages.po"
    path.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n' + text, "utf-8"
    )
    with path.open("rb") as file:
        return read_po(file, locale="en")


def _what(found, catalogue):
    return sorted((each.what, each.sentence) for each in problems(found, catalogue))


def test_gettext_templates_and_reasons_all_give_their_sentences(project):
    assert set(sentences(project, ("room",))) == FOUND


def test_a_sentence_says_which_files_hold_it(project):
    assert sentences(project, ("room",))["Rien."] == {"room/x.py"}


def test_a_sentence_without_english_is_missing(tmp_path):
    catalogue = _catalogue(tmp_path, '\nmsgid "Oui"\nmsgstr ""\n')
    found = {"Oui": {"x.py"}, "Non": {"x.py"}}
    assert _what(found, catalogue) == [("missing", "Non"), ("missing", "Oui")]


def test_half_of_a_plural_is_missing(tmp_path):
    text = '\nmsgid "un jour"\nmsgid_plural "%(num)s jours"\nmsgstr[0] "one day"\nmsgstr[1] ""\n'
    found = {("un jour", "%(num)s jours"): {"x.py"}}
    assert _what(found, _catalogue(tmp_path, text)) == [("missing", "un jour")]


def test_unsure_english_is_refused(tmp_path):
    catalogue = _catalogue(tmp_path, '\n#, fuzzy\nmsgid "Oui"\nmsgstr "Yes"\n')
    assert _what({"Oui": {"x.py"}}, catalogue) == [("fuzzy", "Oui")]


def test_english_that_fills_other_places_is_refused(tmp_path):
    text = '\nmsgid "Bonjour %(name)s"\nmsgstr "Hello %(nom)s"\n'
    found = {"Bonjour %(name)s": {"x.py"}}
    assert _what(found, _catalogue(tmp_path, text)) == [("places", "Bonjour %(name)s")]


def test_english_of_a_sentence_that_is_gone_is_unused(tmp_path):
    catalogue = _catalogue(tmp_path, '\nmsgid "Oui"\nmsgstr "Yes"\n')
    assert _what({}, catalogue) == [("unused", "Oui")]


def test_whole_english_has_no_problem(tmp_path):
    text = (
        '\nmsgid "Bonjour %(name)s"\nmsgstr "Hello %(name)s"\n'
        '\nmsgid "un jour"\nmsgid_plural "%(num)s jours"\n'
        'msgstr[0] "one day"\nmsgstr[1] "%(num)s days"\n'
    )
    found = {"Bonjour %(name)s": {"x.py"}, ("un jour", "%(num)s jours"): {"x.py"}}
    assert _what(found, _catalogue(tmp_path, text)) == []


def test_updating_keeps_english_adds_what_is_new_and_drops_what_is_gone(project, tmp_path):
    po = tmp_path / "messages.po"
    _catalogue(tmp_path, '\nmsgid "Rien."\nmsgstr "Nothing."\n\nmsgid "Gone"\nmsgstr "Gone"\n')
    assert update(sentences(project, ("room",)), po) == len(FOUND) - 1
    written = po.read_text(encoding="utf-8")
    assert 'msgid "Rien."\nmsgstr "Nothing."' in written
    assert "Gone" not in written
    assert 'msgid "Pousse la porte."\nmsgstr ""' in written


def test_updating_twice_writes_the_same_bytes(project, tmp_path):
    po = tmp_path / "messages.po"
    _catalogue(tmp_path, "")
    update(sentences(project, ("room",)), po)
    first = po.read_bytes()
    update(sentences(project, ("room",)), po)
    assert po.read_bytes() == first
