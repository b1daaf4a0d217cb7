"""Sixty invented schools, and the directory file that lists them.

The file has the columns of the national directory (data.education.gouv.fr,
`fr-en-annuaire-education`): `;`, UTF-8, one header line. The UAI keys are valid; the numbers are
taken from 9001 up, beyond what the communes' départements use, so no invented school bears the code
of a real one.
"""

import csv
import random
from dataclasses import dataclass
from pathlib import Path

from .communes import ACADEMIES, DEPARTMENT_NAMES, REGION_CODE, REGION_NAME, Commune
from .keys import siren, siret, uai
from .names import SCHOOL_NAMES, STREETS
from .tracks import AGRICULTURAL, GENERAL, TECHNOLOGICAL, VOCATIONAL

FIRST_UAI_NUMBER = 9001
SCHOOL_SIREN_PREFIX = "0002"
"""Real SIRENs start with 1 to 9 (public bodies with 1 or 2): 000 is nobody's."""

DIRECTORY_COLUMNS = [
    "Identifiant_de_l_etablissement",
    "Nom_etablissement",
    "Type_etablissement",
    "Statut_public_prive",
    "Adresse_1",
    "Adresse_2",
    "Adresse_3",
    "Code_postal",
    "Code_commune",
    "Nom_commune",
    "Code_departement",
    "Code_academie",
    "Code_region",
    "Ecole_maternelle",
    "Ecole_elementaire",
    "Voie_generale",
    "Voie_technologique",
    "Voie_professionnelle",
    "Telephone",
    "Web",
    "Mail",
    "Restauration",
    "Hebergement",
    "ULIS",
    "Apprentissage",
    "Segpa",
    "Section_arts",
    "Section_cinema",
    "Section_theatre",
    "Section_sport",
    "Section_internationale",
    "Section_europeenne",
    "Lycee_Agricole",
    "Lycee_militaire",
    "Lycee_des_metiers",
    "Post_BAC",
    "Appartenance_Education_Prioritaire",
    "GRETA",
    "SIREN_SIRET",
    "Nombre_d_eleves",
    "Fiche_onisep",
    "position",
    "Type_contrat_prive",
    "Libelle_departement",
    "Libelle_academie",
    "Libelle_region",
    "nom_circonscription",
    "latitude",
    "longitude",
    "precision_localisation",
    "date_ouverture",
    "date_maj_ligne",
    "etat",
    "ministere_tutelle",
    "multi_uai",
    "rpi_concentre",
    "rpi_disperse",
    "code_nature",
    "libelle_nature",
    "Code_type_contrat_prive",
    "PIAL",
    "etablissement_mere",
    "type_rattachement_etablissement_mere",
    "code_circonscription",
    "code_zone_animation_pedagogique",
    "libelle_zone_animation_pedagogique",
    "code_bassin_formation",
    "libelle_bassin_formation",
]


@dataclass(frozen=True)
class School:
    """A school as the demonstration needs it; `kinds` are those of `tracks`."""

    uai: str
    name: str
    department: str
    commune_insee: str
    kinds: frozenset[str]
    student_count: int


@dataclass(frozen=True)
class _Nature:
    """A kind of school: RAMSESE's nature, how its name starts, how many there are."""

    code: str
    label: str
    title: str
    kinds: frozenset[str]
    how_many: int


_NATURES = (
    _Nature(
        "300",
        "LYCEE ENSEIGNT GENERAL ET TECHNOLOGIQUE",
        "Lycée",
        frozenset({GENERAL, TECHNOLOGICAL}),
        22,
    ),
    _Nature("302", "LYCEE D ENSEIGNEMENT GENERAL", "Lycée général", frozenset({GENERAL}), 6),
    _Nature(
        "306",
        "LYCEE POLYVALENT",
        "Lycée polyvalent",
        frozenset({GENERAL, TECHNOLOGICAL, VOCATIONAL}),
        12,
    ),
    _Nature("320", "LYCEE PROFESSIONNEL", "Lycée professionnel", frozenset({VOCATIONAL}), 18),
    _Nature(
        "307",
        "LYCEE ENS GENERAL TECHNO PROF AGRICOLE",
        "Lycée agricole",
        frozenset({AGRICULTURAL}),
        2,
    ),
)


def street_address(rng: random.Random) -> str:
    """Return an invented number and street."""
    return f"{rng.randint(1, 98)} {rng.choice(STREETS)}"


def invent_schools(
    seed: int, places: tuple[Commune, ...], students: int
) -> tuple[tuple[School, ...], list[dict[str, str]]]:
    """Return sixty schools sharing `students` students, and their rows for the directory file.

    Schools go to communes in proportion to their population, one each at least where there are
    enough schools. Rows have the columns of `DIRECTORY_COLUMNS`.
    """
    rng = random.Random(f"{seed}:schools")
    natures = [nature for nature in _NATURES for _ in range(nature.how_many)]
    rng.shuffle(natures)
    count = len(natures)
    sites = list(places)
    sites += rng.choices(
        places, weights=[place.population for place in places], k=count - len(sites)
    )
    sizes = _shares(students, [rng.uniform(0.5, 1.6) for _ in natures])
    next_number = dict.fromkeys(DEPARTMENT_NAMES, FIRST_UAI_NUMBER)
    schools, rows = [], []
    for index, (nature, site, size) in enumerate(zip(natures, sites, sizes, strict=True)):
        code = uai(site.department, next_number[site.department])
        next_number[site.department] += 1
        school = School(
            uai=code,
            name=f"{nature.title} {SCHOOL_NAMES[index]}",
            department=site.department,
            commune_insee=site.code_insee,
            kinds=nature.kinds,
            student_count=size,
        )
        schools.append(school)
        rows.append(_directory_row(school, nature, site, index, rng))
    order = sorted(range(count), key=lambda i: schools[i].uai)
    return tuple(schools[i] for i in order), [rows[i] for i in order]


def write_directory(path: Path, rows: list[dict[str, str]]) -> None:
    """Write the directory file: `;`, UTF-8, the official columns in the official order."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, DIRECTORY_COLUMNS, restval="", delimiter=";", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)


def _shares(total: int, weights: list[float]) -> list[int]:
    """Split `total` into whole parts in proportion to `weights`; the parts sum to `total`."""
    exact = [total * weight / sum(weights) for weight in weights]
    parts = [int(value) for value in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: (parts[i] - exact[i], i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


def _directory_row(
    school: School, nature: _Nature, site: Commune, index: int, rng: random.Random
) -> dict[str, str]:
    agricultural = AGRICULTURAL in school.kinds
    private = not agricultural and rng.random() < 0.25
    academy_code, academy_name = ACADEMIES[site.department]
    # About 800 m around the middle of the commune, so that two schools of a town don't overlap.
    latitude = round(site.latitude + rng.uniform(-0.007, 0.007), 5)
    longitude = round(site.longitude + rng.uniform(-0.01, 0.01), 5)

    def flag(present: bool) -> str:
        return "1" if present else "0"

    return {
        "Identifiant_de_l_etablissement": school.uai,
        "Nom_etablissement": school.name,
        "Type_etablissement": "Lycée",
        "Statut_public_prive": "Privé" if private else "Public",
        "Adresse_1": street_address(rng),
        "Adresse_2": f"BP {rng.randint(10, 99)}" if rng.random() < 0.3 else "",
        "Code_postal": site.postal_code,
        "Code_commune": site.code_insee,
        "Nom_commune": site.name,
        "Code_departement": site.department.zfill(3),
        "Code_academie": academy_code,
        "Code_region": REGION_CODE,
        "Voie_generale": flag(bool(school.kinds & {GENERAL, AGRICULTURAL})),
        "Voie_technologique": flag(bool(school.kinds & {TECHNOLOGICAL, AGRICULTURAL})),
        "Voie_professionnelle": flag(bool(school.kinds & {VOCATIONAL, AGRICULTURAL})),
        # 04 65 71 is one of the ranges that ARCEP keeps for fiction: nobody's telephone rings.
        "Telephone": f"04 65 71 {index // 100:02d} {index % 100:02d}",
        "Mail": f"{school.uai.lower()}@lycees.val-d-ambre.example",
        "Restauration": "1",
        "Hebergement": flag(rng.random() < 0.5),
        "Apprentissage": flag(bool(school.kinds & {VOCATIONAL, AGRICULTURAL})),
        "Lycee_Agricole": flag(agricultural),
        "Lycee_militaire": "0",
        "SIREN_SIRET": siret(siren(SCHOOL_SIREN_PREFIX, index + 1)),
        "Nombre_d_eleves": str(school.student_count),
        "position": f"{latitude}, {longitude}",
        "Type_contrat_prive": "CONTRAT D'ASSOCIATION TOUTES CLASSES" if private else "SANS OBJET",
        "Libelle_departement": DEPARTMENT_NAMES[site.department],
        "Libelle_academie": academy_name,
        "Libelle_region": REGION_NAME,
        "latitude": str(latitude),
        "longitude": str(longitude),
        "precision_localisation": "Numéro de rue",
        "date_ouverture": "1965-05-01",
        "date_maj_ligne": "2026-09-01",
        "etat": "OUVERT",
        "ministere_tutelle": (
            "AGRICULTURE" if agricultural else "MINISTERE DE L'EDUCATION NATIONALE"
        ),
        "multi_uai": "0",
        "code_nature": nature.code,
        "libelle_nature": nature.label,
        "Code_type_contrat_prive": "30" if private else "99",
    }
