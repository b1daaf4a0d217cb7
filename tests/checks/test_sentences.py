"""Every sentence has its English; every reason has a code that a program can rely on."""

import re
from http import HTTPStatus
from importlib import import_module
from pathlib import Path

import pytest

from sesame.migrations.run import ROOT
from sesame.platform import problems as table
from sesame.platform.problems import Reason, declare, declared_reasons
from sesame.platform.translations import catalogue
from sesame.translations.catalogues import problems, read, sentences

CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
PLACE = re.compile(r"%\((\w+)\)s")


@pytest.fixture(scope="module")
def reasons() -> dict[str, Reason]:
    """Every reason of the house: of each module that declares one (tests declare some of their own)."""
    declaring = ""
    for package in ("sesame", "ledger", "cardsvc", "merchants"):
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text("utf-8")
            if "declare(" in text:
                declaring += text
                import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return {code: each for code, each in declared_reasons().items() if f'"{code}"' in declaring}


def test_every_sentence_of_the_sources_has_its_english_with_the_same_places():
    assert [str(each) for each in problems(sentences(ROOT), read())] == []


def test_every_reason_has_a_code_a_status_and_a_sentence(reasons):
    assert len(reasons) > 50
    for code, reason in reasons.items():
        assert CODE.fullmatch(code), code
        assert reason.code == code
        assert 400 <= HTTPStatus(reason.status) < 600, code
        assert reason.sentence.strip(), code


def test_every_reason_speaks_english_with_the_same_figures(reasons):
    english = catalogue("en")
    for code, reason in reasons.items():
        for sentence in filter(None, (reason.sentence, reason.holder)):
            translated = english.gettext(sentence)
            assert translated != sentence, code
            assert set(PLACE.findall(translated)) <= set(PLACE.findall(sentence)), code


def test_a_code_has_one_meaning():
    first = declare(Reason("invented_once", 409, "Une phrase."))
    assert declare(Reason("invented_once", 409, "Une phrase.")) == first
    with pytest.raises(ValueError, match="two meanings"):
        declare(Reason("invented_once", 409, "Une autre phrase."))
    table._REASONS.pop("invented_once")


def test_a_young_persons_sentence_says_tu(reasons):
    formal = re.compile(r"\b(vous|votre|vos|veuillez)\b", re.IGNORECASE)
    for code, reason in reasons.items():
        assert formal.search(reason.holder) is None, code


def test_no_catalogue_is_compiled_on_disk():
    assert list(Path(ROOT / "sesame" / "translations").rglob("*.mo")) == []
