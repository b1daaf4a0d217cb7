"""Forty invented shops and the file that a Region's officer would load them from.

Their SIRENs start with 0001 (cinemas out of an official file: 0003), which INSEE has given to
nobody; their accounts are at a bank 99001 that isn't in the French list of bank codes, and their
BIC ends in 0, which ISO 9362 keeps for test codes. So all keys are right and none can be paid.
"""

import csv
import random
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from .communes import Commune
from .keys import french_iban, siren, siret
from .schools import street_address

SHOP_SIREN_PREFIX = "0001"
CINEMA_SIREN_PREFIX = "0003"
BANK_CODE = "99001"
BIC = "VLABFRP0XXX"


@dataclass(frozen=True)
class Shop:
    """A line of `merchants.csv`; the fields are its columns, in this order. All are text.

    `legal_form` is the INSEE category juridique (four digits), `naf` the APE code of NAF rév. 2,
    `categories` what the convention lets it sell, separated by commas.
    """

    siret: str
    name: str
    legal_form: str
    naf: str
    address_line: str
    postal_code: str
    town: str
    insee: str
    latitude: str
    longitude: str
    categories: str
    iban: str
    bic: str
    holder: str
    email: str
    phone: str

    def sells(self, category: str) -> bool:
        """Return whether the shop's convention names this category."""
        return category in self.categories.split(",")


# NAF rév. 2: 47.61Z retail of books, 59.14Z cinemas, 90.04Z theatres, 47.64Z sports shops.
# Categories juridiques (INSEE): 1000 sole trader, 5499 SARL, 5710 SAS, 9220 association.
_BOOKSHOP = ("47.61Z", "textbooks,books,comics")
_NOVELS = ("47.61Z", "books,comics")
_COMICS = ("47.61Z", "comics")
_CINEMA = ("59.14Z", "cinema")
_THEATRE = ("90.04Z", "live_shows")
_SPORTS = ("47.64Z", "sports")

_SHOPS: tuple[tuple[str, str, tuple[str, str]], ...] = (
    ("Librairie du Sablier", "5499", _BOOKSHOP),
    ("Librairie Les Marges", "5499", _BOOKSHOP),
    ("Librairie La Virgule", "5710", _BOOKSHOP),
    ("Librairie Point-Virgule & Cie", "5499", _BOOKSHOP),
    ("Librairie du Grand Feuillet", "5710", _BOOKSHOP),
    ("Librairie L'Encre et la Mousse", "1000", _BOOKSHOP),
    ("Librairie de l'Ambre", "5499", _BOOKSHOP),
    ("Librairie Les Heures Lentes", "5499", _BOOKSHOP),
    ("Librairie Pages et Fougères", "1000", _BOOKSHOP),
    ("Librairie du Marque-Page", "5710", _BOOKSHOP),
    ("Maison de la presse des Volcans", "5499", _BOOKSHOP),
    ("Librairie L'Œil du Hibou", "5499", _BOOKSHOP),
    ("Librairie scolaire des Deux Ponts", "5710", _BOOKSHOP),
    ("Librairie Le Préau", "5499", _BOOKSHOP),
    ("Librairie La Trousse", "5499", _BOOKSHOP),
    ("Librairie Les Nuits blanches", "1000", _NOVELS),
    ("Librairie Le Chat qui lit", "5499", _NOVELS),
    ("Librairie Au fil des lignes", "1000", _NOVELS),
    ("Librairie La Cabane à mots", "9220", _NOVELS),
    ("Librairie Terre d'encre", "5499", _NOVELS),
    ("Bulles d'Ambre", "5499", _COMICS),
    ("La Case d'après", "5710", _COMICS),
    ("Planche Contact", "1000", _COMICS),
    ("Cinéma Le Balancier", "5710", _CINEMA),
    ("Cinéma L'Entracte", "5499", _CINEMA),
    ("Cinéma Le Zootrope", "9220", _CINEMA),
    ("Cinéma La Lanterne magique", "9220", _CINEMA),
    ("Cinéma Les Variétés de l'Ambre", "5710", _CINEMA),
    ("Cinéma Le Plan-Séquence", "5499", _CINEMA),
    ("Cinéma Le Contrechamp", "9220", _CINEMA),
    ("Cinéma La Bobine", "5499", _CINEMA),
    ("Cinéma Le Travelling", "5710", _CINEMA),
    ("Cinéma Le Rex-Ambre", "5499", _CINEMA),
    ("Cinéma Le Clap", "9220", _CINEMA),
    ("Théâtre de la Souche", "9220", _THEATRE),
    ("Sports des Cimes", "5710", _SPORTS),
    ("Le Vestiaire", "5499", _SPORTS),
    ("Foulée libre", "5499", _SPORTS),
    ("Raquettes et Compagnie", "1000", _SPORTS),
    ("La Prise d'escalade", "5499", _SPORTS),
)


def invent_shops(seed: int, places: tuple[Commune, ...]) -> tuple[Shop, ...]:
    """Return the forty shops, in order of SIRET; each kind goes to the larger communes first."""
    rng = random.Random(f"{seed}:shops")
    largest_first = sorted(places, key=lambda place: -place.population)
    seen: dict[tuple[str, str], int] = {}
    shops = []
    for number, (name, legal_form, trade) in enumerate(_SHOPS, start=1):
        site = largest_first[seen.get(trade, 0) % len(largest_first)]
        seen[trade] = seen.get(trade, 0) + 1
        shops.append(
            make_shop(
                siren_prefix=SHOP_SIREN_PREFIX,
                number=number,
                name=name,
                legal_form=legal_form,
                naf=trade[0],
                categories=trade[1],
                address_line=street_address(rng),
                postal_code=site.postal_code,
                town=site.name,
                insee=site.code_insee,
                latitude=site.latitude + rng.uniform(-0.006, 0.006),
                longitude=site.longitude + rng.uniform(-0.008, 0.008),
            )
        )
    return tuple(shops)


def make_shop(
    *,
    siren_prefix: str,
    number: int,
    name: str,
    legal_form: str,
    naf: str,
    categories: str,
    address_line: str,
    postal_code: str,
    town: str,
    insee: str,
    latitude: float,
    longitude: float,
) -> Shop:
    """Return a shop with its invented SIRET, account, e-mail address and telephone.

    `number` (1 to 9999) tells it from the others of the same `siren_prefix` (four digits).
    """
    branch = f"{int(siren_prefix):05d}"
    return Shop(
        siret=siret(siren(siren_prefix, number)),
        name=name,
        legal_form=legal_form,
        naf=naf,
        address_line=address_line,
        postal_code=postal_code,
        town=town,
        insee=insee,
        latitude=f"{latitude:.5f}",
        longitude=f"{longitude:.5f}",
        categories=categories,
        iban=french_iban(BANK_CODE, branch, f"{number:011d}"),
        bic=BIC,
        # ISO 20022 and the SEPA rulebook give a name 70 characters.
        holder=name[:70],
        # RFC 2606 keeps .example for examples, ARCEP 04 65 71 for fiction: nobody gets the mail.
        email=f"contact@partenaire-{siren_prefix[-1]}{number:03d}.example",
        phone=f"04 65 71 {10 * int(siren_prefix[-1]) + number // 100:02d} {number % 100:02d}",
    )


def write_shops(path: Path, shops: tuple[Shop, ...]) -> None:
    """Write `merchants.csv`: `;`, UTF-8, a header with the field names of `Shop`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow([field.name for field in fields(Shop)])
        writer.writerows(astuple(shop) for shop in shops)
