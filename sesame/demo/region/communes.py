"""The 40 real communes on which the invented region is built.

Facts of public nomenclatures: INSEE, Code officiel géographique 2026 and populations 2023 (through
npm `@etalab/decoupage-administratif`, Licence Ouverte 2.0) and La Poste, base officielle des codes
postaux (coordinates of the communes, Licence Ouverte). Names, codes and places are real so that
maps and addresses work; the region that groups them, "Val-d'Ambre", exists nowhere.
"""

import csv
from dataclasses import dataclass
from importlib import resources

REGION_NAME = "Val-d'Ambre"
REGION_CODE = "00"
"""Allotted to no region by INSEE: nobody can take the invented one for a real one."""

DEPARTMENT_NAMES = {
    "03": "Allier",
    "15": "Cantal",
    "42": "Loire",
    "43": "Haute-Loire",
    "63": "Puy-de-Dôme",
}
ACADEMIES = {
    "03": ("06", "Clermont-Ferrand"),
    "15": ("06", "Clermont-Ferrand"),
    "42": ("10", "Lyon"),
    "43": ("06", "Clermont-Ferrand"),
    "63": ("06", "Clermont-Ferrand"),
}


@dataclass(frozen=True)
class Commune:
    """A commune: codes as text (they may start with 0), WGS 84 degrees."""

    code_insee: str
    name: str
    department: str
    postal_code: str
    population: int
    latitude: float
    longitude: float


def communes() -> tuple[Commune, ...]:
    """Return the communes of the invented region, by INSEE code."""
    text = resources.files(__package__).joinpath("communes.csv").read_text(encoding="utf-8")
    return tuple(
        Commune(
            code_insee=row["code_insee"],
            name=row["name"],
            department=row["department"],
            postal_code=row["postal_code"],
            population=int(row["population"]),
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
        )
        for row in csv.DictReader(text.splitlines(), delimiter=";")
    )
