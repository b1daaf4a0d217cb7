"""The catalogues that processes use: English compiled in memory, French set as print does."""

import gettext
import subprocess
from pathlib import Path

import pytest

from sesame.platform.sentences import in_both_languages
from sesame.platform.translations import FOLDER, catalogue, french_spacing

NBSP = "\u00a0"


def test_the_english_catalogue_says_what_gnu_gettext_compiles(tmp_path):
    po = FOLDER / "en" / "LC_MESSAGES" / "messages.po"
    compiled = tmp_path / "messages.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", compiled, po], check=True)
    with compiled.open("rb") as file:
        judge = gettext.GNUTranslations(file)
    ours = catalogue("en")
    plain = [each for each in judge._catalog if isinstance(each, str) and each]
    assert len(plain) > 20
    for msgid in plain:
        assert ours.gettext(msgid) == judge.gettext(msgid)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("Rien : tout est fait.", f"Rien{NBSP}: tout est fait."),
        ("Vraiment ?", f"Vraiment{NBSP}?"),
        ("Oui ; non !", f"Oui{NBSP}; non{NBSP}!"),
        ("dans « Moi » ce soir", f"dans «{NBSP}Moi{NBSP}» ce soir"),
        ("100 % de 8,00 €.", f"100{NBSP}% de 8,00{NBSP}€."),
        ("Bonjour %(name)s", "Bonjour %(name)s"),
        ("à 10:30, https://a.b", "à 10:30, https://a.b"),
        ("", ""),
    ],
)
def test_no_sign_of_french_starts_a_line(written, printed):
    assert french_spacing(written) == printed


@pytest.mark.parametrize(("count", "form"), [(0, "jour"), (1, "jour"), (2, "jours"), (10, "jours")])
def test_zero_is_singular_in_french(count, form):
    assert catalogue("fr").ungettext("jour", "jours", count) == form


def test_a_language_without_a_catalogue_is_an_error():
    with pytest.raises(FileNotFoundError):
        catalogue("xx")


def test_a_sentence_comes_in_both_languages_at_once():
    assert in_both_languages("Cette page ou cet élément n'existe pas.") == {
        "fr": "Cette page ou cet élément n'existe pas.",
        "en": "This page or item doesn't exist.",
    }


def test_no_compiled_catalogue_is_left_to_go_stale():
    assert list(Path(FOLDER).rglob("*.mo")) == []
