"""The same demonstration on official files: real schools and cinemas, invented students.

The folder holds the files as they are published: the directory of schools (`lycees_ara.csv`,
data.education.gouv.fr `fr-en-annuaire-education`), the cinemas (`cinemas_ara.csv`, CNC) and the
communes with their postal codes (`communes_ara.csv`, INSEE and La Poste). The cinemas' file has
neither SIRET nor account nor postal code: the first two are invented, as for the shops of the
invented region; the third is the commune's, or that of the nearest commune of the département for
a commune that has since merged.
"""

import csv
from pathlib import Path

from .communes import Commune
from .schools import School
from .shops import CINEMA_SIREN_PREFIX, Shop, make_shop
from .tracks import AGRICULTURAL, GENERAL, TECHNOLOGICAL, VOCATIONAL

# What a school teaches, where its line says nothing of it: by RAMSESE's nature.
_KINDS_BY_NATURE = {
    "300": frozenset({GENERAL, TECHNOLOGICAL}),
    "301": frozenset({TECHNOLOGICAL}),
    "302": frozenset({GENERAL}),
    "306": frozenset({GENERAL, TECHNOLOGICAL, VOCATIONAL}),
    "307": frozenset({AGRICULTURAL}),
    "310": frozenset({GENERAL}),
    "315": frozenset({GENERAL}),
    "320": frozenset({VOCATIONAL}),
    "332": frozenset({VOCATIONAL}),
    "334": frozenset({VOCATIONAL}),
    "335": frozenset({GENERAL, TECHNOLOGICAL}),
}


class OfficialFileMissing(Exception):
    """The folder given for official data lacks one of the files; `name` says which."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(f"official file {name} not found under {folder}")
        self.name = name


class OfficialFileUnreadable(Exception):
    """An official file isn't the table that its publisher describes; `name` says which."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"official file {name}: {reason}")
        self.name = name


def directory_file(folder: Path) -> Path:
    """Return the path of the directory of schools; OfficialFileMissing where there is none."""
    return _find(folder, "lycees_ara.csv")


def read_schools(folder: Path, students_per_school: int) -> tuple[School, ...]:
    """Return every school of the official directory, each with that many students to invent.

    The directory has a line for each site, and a school on several sites has several lines under
    one UAI (12 schools in Auvergne-Rhône-Alpes, 2024): it is one school here, with one roll, the
    name of its first line, and what is taught on any of its sites.
    Raises OfficialFileMissing or OfficialFileUnreadable.
    """
    schools: dict[str, School] = {}
    needed = ("Identifiant_de_l_etablissement", "Nom_etablissement", "code_nature", "Code_commune")
    for row in _rows(directory_file(folder), needed):
        uai = row["Identifiant_de_l_etablissement"]
        first = schools.get(uai)
        schools[uai] = School(
            uai=uai,
            name=first.name if first else row["Nom_etablissement"],
            department=row["Code_departement"][-2:],
            commune_insee=first.commune_insee if first else row["Code_commune"],
            kinds=_kinds(row) | (first.kinds if first else frozenset()),
            student_count=students_per_school,
        )
    return tuple(schools.values())


def read_communes(folder: Path) -> tuple[Commune, ...]:
    """Return the communes that have a postal code, a population and a place."""
    needed = ("code_insee", "nom", "departement", "codes_postaux", "population", "latitude")
    return tuple(
        Commune(
            code_insee=row["code_insee"],
            name=row["nom"],
            department=row["departement"],
            postal_code=row["codes_postaux"].split()[0],
            population=int(row["population"]),
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
        )
        for row in _rows(_find(folder, "communes_ara.csv"), needed)
        if row["codes_postaux"] and row["population"] and row["latitude"]
    )


def read_cinemas(folder: Path, places: tuple[Commune, ...]) -> tuple[Shop, ...]:
    """Return every cinema of the official file as a shop, in the file's order.

    Raises OfficialFileMissing or OfficialFileUnreadable.
    """
    by_insee = {place.code_insee: place for place in places}
    cinemas = []
    needed = ("nom", "adresse", "code INSEE", "commune", "DEP", "latitude", "longitude")
    for number, row in enumerate(_rows(_find(folder, "cinemas_ara.csv"), needed), start=1):
        latitude, longitude = float(row["latitude"]), float(row["longitude"])
        site = by_insee.get(row["code INSEE"]) or _nearest(places, row["DEP"], latitude, longitude)
        cinemas.append(
            make_shop(
                siren_prefix=CINEMA_SIREN_PREFIX,
                number=number,
                name=row["nom"],
                legal_form="5499",
                naf="59.14Z",
                categories="cinema",
                address_line=row["adresse"],
                postal_code=site.postal_code,
                town=row["commune"],
                insee=row["code INSEE"],
                latitude=latitude,
                longitude=longitude,
            )
        )
    return tuple(cinemas)


def _find(folder: Path, name: str) -> Path:
    found = sorted(folder.glob(f"**/{name}"))
    if not found:
        raise OfficialFileMissing(name, folder)
    return found[0]


def _rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=";")
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise OfficialFileUnreadable(path.name, f"no column {missing[0]}")
            return [{name: value or "" for name, value in row.items()} for row in reader]
    except UnicodeDecodeError as error:
        raise OfficialFileUnreadable(path.name, "not UTF-8") from error


def _kinds(row: dict[str, str]) -> frozenset[str]:
    if row["Lycee_Agricole"] == "1":
        return frozenset({AGRICULTURAL})
    flags = (
        (GENERAL, "Voie_generale"),
        (TECHNOLOGICAL, "Voie_technologique"),
        (VOCATIONAL, "Voie_professionnelle"),
    )
    said = frozenset(kind for kind, column in flags if row[column] == "1")
    return said or _KINDS_BY_NATURE.get(row["code_nature"], frozenset({GENERAL}))


def _nearest(
    places: tuple[Commune, ...], department: str, latitude: float, longitude: float
) -> Commune:
    """Return the nearest commune of the département (a degree of longitude is 0.7 of latitude)."""
    candidates = [place for place in places if place.department == department] or list(places)
    return min(
        candidates,
        key=lambda place: (
            (place.latitude - latitude) ** 2 + (0.7 * (place.longitude - longitude)) ** 2
        ),
    )
