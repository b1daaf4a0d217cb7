"""School rolls as the national applications export them.

SIECLE (`BEE_ELEVES`, version 2.1, ISO-8859-15, dates dd/mm/yyyy, often zipped) for most schools;
FREGATA (CSV, `;`, UTF-8 with a byte order mark) for agricultural ones. No official schema of
`BEE_ELEVES` is public: element names and their order follow what public importers read (Gepi, Pix).
A SIECLE file is written as text rather than through an XML library, so that what reads it in the
tests shares nothing with what wrote it.
"""

import csv
import io
import random
import zipfile
from datetime import date
from xml.sax.saxutils import escape

from .schools import street_address
from .students import Student

ENCODING = "ISO-8859-15"
FREGATA_COLUMNS = [
    "Identifiant unique*",
    "Premier prénom*",
    "Deuxième prénom",
    "Troisième prénom",
    "Nom de famille*",
    "Nom d'usage",
    "Code sexe*",
    "Date de naissance (jj/mm/aaaa)*",
    "Code commune naissance**",
    "Libellé commune naissance**",
    "Code département naissance*",
    "Code pays naissance*",
    "Statut*",
    "Code MEF*",
    "Division*",
]

_FRANCE = "100"


def siecle_xml(
    school_uai: str, students: list[Student], school_year: int, with_addresses: bool
) -> bytes:
    """Return a school's `ElevesAvecAdresses.xml` or `ElevesSansAdresses.xml`, encoded.

    `school_year` is the calendar year of the rentrée. Students who have left keep their line with
    the day they left; those without an INE have no ID_NATIONAL, as in real files.
    """
    exported = date(school_year, 9, 15)
    parts = [
        f'<?xml version="1.0" encoding="{ENCODING}"?>\n<BEE_ELEVES VERSION="2.1">\n<PARAMETRES>\n',
        _element("UAJ", school_uai),
        _element("ANNEE_SCOLAIRE", str(school_year)),
        _element("DATE_EXPORT", _day(exported)),
        _element("HORODATAGE", f"{_day(exported)} 10:12:33"),
        "</PARAMETRES>\n<DONNEES>\n",
    ]
    if with_addresses:
        parts.append("<ADRESSES>\n")
        parts += [_address(student) for student in students]
        parts.append("</ADRESSES>\n")
    parts.append("<ELEVES>\n")
    parts += [_student(student, school_year, with_addresses) for student in students]
    parts.append("</ELEVES>\n<STRUCTURES>\n")
    parts += [_structures(student) for student in students]
    parts.append("</STRUCTURES>\n</DONNEES>\n</BEE_ELEVES>\n")
    return "".join(parts).encode(ENCODING)


def zipped(name: str, content: bytes) -> bytes:
    """Return a ZIP archive of one file; its date is fixed so that the same content gives it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(name, date_time=(2026, 9, 15, 10, 12, 32))
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, content)
    return buffer.getvalue()


def fregata_csv(students: list[Student]) -> bytes:
    """Return an agricultural school's roll in the FREGATA columns.

    The format has no column for the school: the file's name says which it is. Every student must
    have a national number (ValueError otherwise: the column is a mandatory one).
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(FREGATA_COLUMNS)
    for student in students:
        if student.ine is None:
            raise ValueError("a FREGATA line needs a national number")
        writer.writerow(
            (
                student.ine,
                student.first_name,
                student.second_name or "",
                "",
                student.family_name.upper(),
                (student.usage_name or "").upper(),
                # FREGATA says M or F where SIECLE says 1 or 2.
                "F" if student.sex == "2" else "M",
                _day(student.birth_date),
                student.birth_commune.code_insee,
                student.birth_commune.name.upper(),
                student.birth_commune.department,
                "99100",
                "AP" if student.apprentice else "ST",
                student.mef,
                student.division,
            )
        )
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8")


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _element(name: str, value: str | None) -> str:
    """Return one element on its line; nothing where there is no value, as the real export does."""
    return f"<{name}>{escape(value)}</{name}>\n" if value else ""


def _key(student: Student) -> str:
    return f'ELEVE_ID="{student.number + 500_000}" ELENOET="{student.number}"'


def _address(student: Student) -> str:
    home = student.birth_commune
    street = street_address(random.Random(f"{student.school_uai}:{student.number}:home"))
    return (
        f'<ADRESSE ADRESSE_ID="{student.number + 900_000}">\n'
        + _element("LIGNE1_ADRESSE", street.upper())
        + _element("CODE_POSTAL", home.postal_code)
        + _element("LIBELLE_POSTAL", home.name.upper())
        + _element("CODE_COMMUNE_INSEE", home.code_insee)
        + _element("LL_COMMUNE_INSEE", home.name)
        + _element("CODE_DEPARTEMENT", home.department.zfill(3))
        + _element("CODE_PAYS", _FRANCE)
        + _element("LL_PAYS", "FRANCE")
        + "</ADRESSE>\n"
    )


def _student(student: Student, school_year: int, with_addresses: bool) -> str:
    left = student.left_on is not None
    previous = (
        "<SCOLARITE_AN_DERNIER>\n"
        + _element("CODE_MEF", student.previous_mef)
        + _element("CODE_RNE", student.school_uai)
        + "</SCOLARITE_AN_DERNIER>\n"
        if student.previous_mef
        else ""
    )
    return (
        f"<ELEVE {_key(student)}>\n"
        + _element("ID_NATIONAL", student.ine)
        + _element("ELENOET", str(student.number))
        + _element("ID_ELEVE_ETAB", str(student.number))
        + _element("NOM_DE_FAMILLE", student.family_name.upper())
        + _element("NOM_USAGE", student.usage_name.upper() if student.usage_name else None)
        + _element("PRENOM", student.first_name)
        + _element("PRENOM2", student.second_name)
        + _element("DATE_NAISS", _day(student.birth_date))
        + _element("CODE_SEXE", student.sex)
        + _element("CODE_PAYS", _FRANCE)
        + _element("CODE_PAYS_NAT", _FRANCE)
        + _element("CODE_DEPARTEMENT_NAISS", student.birth_commune.department.zfill(3))
        + _element("CODE_COMMUNE_INSEE_NAISS", student.birth_commune.code_insee)
        + _element("DOUBLEMENT", "1" if student.repeats else "0")
        + _element("CODE_REGIME", str(2 if student.number % 3 else 0))
        + _element("DATE_ENTREE", f"01/09/{school_year}")
        + (_element("DATE_SORTIE", _day(student.left_on)) if student.left_on else "")
        + (_element("CODE_MOTIF_SORTIE", "01") if left else "")
        + _element("CODE_MEF", student.mef)
        + _element("CODE_STATUT", "AP" if student.apprentice else "ST")
        + (_element("ADRESSE_ID", str(student.number + 900_000)) if with_addresses else "")
        + previous
        + "</ELEVE>\n"
    )


def _structures(student: Student) -> str:
    def structure(code: str, kind: str) -> str:
        return (
            "<STRUCTURE>\n"
            + _element("CODE_STRUCTURE", code)
            + _element("TYPE_STRUCTURE", kind)
            + "</STRUCTURE>\n"
        )

    return (
        f"<STRUCTURES_ELEVE {_key(student)}>\n"
        + structure(student.division, "D")
        + (structure(student.group, "G") if student.group else "")
        + "</STRUCTURES_ELEVE>\n"
    )
