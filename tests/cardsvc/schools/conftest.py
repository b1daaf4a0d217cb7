"""Schools and rolls to import: files written as text here, never by our own code."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy.orm import Session

from cardsvc.schools import import_directory

LUMIERES, AMBRE = "0690026D", "0010001W"
COLUMNS = (
    "Identifiant_de_l_etablissement;Nom_etablissement;Type_etablissement;Statut_public_prive;"
    "Adresse_1;Adresse_2;Adresse_3;Code_postal;Code_commune;Nom_commune;Code_departement;"
    "Libelle_academie;code_nature;etat;latitude;longitude;"
    "Voie_generale;Voie_technologique;Voie_professionnelle"
)
TWO_SCHOOLS = (
    f"{COLUMNS}\n"
    f"{LUMIERES};Lycée des Lumières;Lycée;Public;12 rue de l'Exemple;;;69006;69386;Lyon;069;Lyon;"
    "300;OUVERT;45.77;4.85;1;1;0\n"
    f"{AMBRE};Lycée professionnel d'Ambre;Lycée;Privé;1 place du Marché;BP 5;;01500;01004;"
    "Ambérieu-en-Bugey;001;Lyon;320;OUVERT;;;0;0;1\n"
)


@dataclass(frozen=True)
class Line:
    """One pupil of a SIECLE file; empty texts give no element."""

    ine: str
    family: str = "EXEMPLE"
    given: str = "Zoé"
    born: str = "03/02/2010"
    division: str = "2GT03"
    mef: str = "20010018110"
    status: str = "ST"
    left: str = ""
    usual: str = ""

    def but(self, **changes: str) -> "Line":
        """Return the same pupil with something changed."""
        return replace(self, **changes)


def ine(number: int) -> str:
    """Return the invented national number `number`."""
    return f"{number:09d}AA"


def siecle(
    lines: list[Line],
    *,
    uai: str = LUMIERES,
    year: int = 2026,
    exported: str = "15/09/2026",
    version: str = "2.1",
    encoding: str = "ISO-8859-15",
) -> bytes:
    """Return a SIECLE export, each pupil on lines of their own."""

    def element(name: str, text: str) -> str:
        return f"<{name}>{text}</{name}>\n" if text else ""

    pupils = "".join(
        f'<ELEVE ELEVE_ID="{number}" ELENOET="{number}">\n'
        + element("ID_NATIONAL", line.ine)
        + element("NOM_DE_FAMILLE", line.family)
        + element("NOM_USAGE", line.usual)
        + element("PRENOM", line.given)
        + element("DATE_NAISS", line.born)
        + element("DATE_SORTIE", line.left)
        + element("CODE_MEF", line.mef)
        + element("CODE_STATUT", line.status)
        + "</ELEVE>\n"
        for number, line in enumerate(lines, start=1)
    )
    structures = "".join(
        f'<STRUCTURES_ELEVE ELEVE_ID="{number}" ELENOET="{number}">'
        "<STRUCTURE><CODE_STRUCTURE>GR1</CODE_STRUCTURE><TYPE_STRUCTURE>G</TYPE_STRUCTURE></STRUCTURE>"
        f"<STRUCTURE><CODE_STRUCTURE>{line.division}</CODE_STRUCTURE>"
        "<TYPE_STRUCTURE>D</TYPE_STRUCTURE></STRUCTURE></STRUCTURES_ELEVE>\n"
        for number, line in enumerate(lines, start=1)
        if line.division
    )
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<BEE_ELEVES VERSION="{version}">\n'
        f"<PARAMETRES>\n<UAJ>{uai}</UAJ>\n<ANNEE_SCOLAIRE>{year}</ANNEE_SCOLAIRE>\n"
        f"<DATE_EXPORT>{exported}</DATE_EXPORT>\n</PARAMETRES>\n<DONNEES>\n<ELEVES>\n{pupils}"
        f"</ELEVES>\n<STRUCTURES>\n{structures}</STRUCTURES>\n</DONNEES>\n</BEE_ELEVES>\n"
    ).encode(encoding)


FREGATA_HEADER = (
    "Identifiant unique*;Premier prénom*;Deuxième prénom;Troisième prénom;Nom de famille*;"
    "Nom d'usage;Code sexe*;Date de naissance (jj/mm/aaaa)*;Code commune naissance**;"
    "Libellé commune naissance**;Code département naissance*;Code pays naissance*;Statut*;"
    "Code MEF*;Division*"
)


def fregata(lines: list[Line], *, header: str = FREGATA_HEADER) -> bytes:
    """Return a FREGATA export."""
    rows = [
        f"{line.ine};{line.given};;;{line.family};{line.usual};F;{line.born};69383;LYON;069;99100;"
        f"{line.status};{line.mef};{line.division}"
        for line in lines
    ]
    return b"\xef\xbb\xbf" + ("\r\n".join([header, *rows]) + "\r\n").encode()


def zipped(*contents: bytes, names: tuple[str, ...] = ("ElevesAvecAdresses.xml",)) -> bytes:
    """Return a ZIP archive of these contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in zip(names, contents, strict=True):
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def rolls() -> SimpleNamespace:
    """What writes rolls."""
    return SimpleNamespace(Line=Line, ine=ine, siecle=siecle, fregata=fregata, zipped=zipped)


@pytest.fixture
def directory_text() -> str:
    """A directory file of two schools."""
    return TWO_SCHOOLS


@pytest.fixture
def schools(session: Session, at: datetime) -> Session:
    """A session whose directory holds two schools."""
    import_directory(session, TWO_SCHOOLS.encode(), at)
    return session


@pytest.fixture
def rows(session: Session) -> Callable[..., list[tuple]]:
    """Return the rows of a raw SQL query in the test's own transaction."""

    def query(sql: str, *arguments: object) -> list[tuple]:
        cursor = session.connection().connection.cursor()
        return cursor.execute(sql, arguments).fetchall()

    return query


@pytest.fixture
def real_data(settings) -> Path:
    """The folder of official files."""
    return settings.real_data
