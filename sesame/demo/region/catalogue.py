"""What the invented shops sell: titles of books that nobody published, with their prices.

A book has one price everywhere (loi n° 81-766 du 10 août 1981), so the price goes with the title.
EAN-13 are valid and start with 978-99999, a registration group that the International ISBN Agency
has given to no country: no scanner can take one for a real book.
"""

from dataclasses import dataclass

from .keys import ean13

TEXTBOOKS = "textbooks"
BOOKS = "books"
COMICS = "comics"
CINEMA = "cinema"
LIVE_SHOWS = "live_shows"
SPORTS = "sports"
CATERING = "catering"

_ISBN_GROUP = "97899999"


@dataclass(frozen=True)
class Article:
    """Something for sale; `ean13` is None for what has no bar code (a seat, a lesson)."""

    category: str
    label: str
    unit_cents: int
    ean13: str | None
    grade: str | None = None
    """For a textbook: the grade (as in `tracks`) that uses it."""


_SUBJECTS = (
    ("Mathématiques", 2890),
    ("Français", 2450),
    ("Histoire-géographie", 2790),
    ("Physique-chimie", 2990),
    ("Sciences de la vie et de la Terre", 2850),
    ("Sciences économiques et sociales", 2690),
    ("Enseignement scientifique", 1990),
    ("Anglais", 2250),
    ("Espagnol", 2190),
    ("Économie-gestion", 2350),
    ("Prévention santé environnement", 1650),
    ("Cahier d'exercices de mathématiques", 990),
    ("Cahier d'anglais", 850),
)
_NOVELS = (
    ("La Saison des lucioles", 890),
    ("Le Phare de terre", 760),
    ("Trois fois minuit", 1290),
    ("Ce que dit la rivière", 820),
    ("Le Grand Sablier", 950),
    ("Vent d'ardoise", 690),
    ("Les Heures lentes", 1150),
    ("Une odeur de tilleul", 780),
    ("Le Chat botanique", 590),
    ("Nous irons à la neige", 1390),
    ("La Cascade muette", 740),
    ("Poèmes à l'encre verte", 620),
    ("L'Année des chardons", 1090),
    ("Petit traité des nuages bas", 990),
    ("La Fille du moulin", 850),
    ("Orage doux", 710),
    ("Le Dernier Encrier", 1190),
    ("Contes de l'étang miroir", 640),
)
_COMICS = (
    ("Les Marcheurs de brume, tome 1", 745),
    ("Les Marcheurs de brume, tome 2", 745),
    ("Les Marcheurs de brume, tome 3", 745),
    ("Zéphyr & Cie", 1195),
    ("Lycée Comète, tome 1", 695),
    ("Lycée Comète, tome 2", 695),
    ("La Baleine grise", 1450),
    ("Ambre noire, tome 1", 1250),
    ("Ambre noire, tome 2", 1250),
    ("Kitsune du Cantal", 820),
)


def _printed(category: str, number: int, label: str, cents: int, grade: str | None) -> Article:
    return Article(category, label, cents, ean13(f"{_ISBN_GROUP}{number:04d}"), grade)


PRINTED: tuple[Article, ...] = (
    *(
        _printed(TEXTBOOKS, 100 * place + index, f"{subject} {short}", cents, grade)
        for place, (grade, short) in enumerate((("premiere", "1re"), ("terminale", "Tle")), start=1)
        for index, (subject, cents) in enumerate(_SUBJECTS)
    ),
    *(_printed(BOOKS, 5000 + i, label, cents, None) for i, (label, cents) in enumerate(_NOVELS)),
    *(_printed(COMICS, 7000 + i, label, cents, None) for i, (label, cents) in enumerate(_COMICS)),
)

SEAT_CENTS = (450, 550, 600, 690, 750, 820)
"""Prices of a cinema seat, one for each cinema."""

UNPAID: tuple[tuple[Article, str], ...] = (
    (Article(LIVE_SHOWS, "Place de théâtre, tarif jeune", 1200, None), LIVE_SHOWS),
    (Article(SPORTS, "Chaussures de course", 5990, None), SPORTS),
    (Article(CATERING, "Maïs soufflé, grand format", 590, None), CINEMA),
)
"""Things that are refused, and what the shop where they are tried sells: the first two are in the
shop's convention but in no programme, the third isn't in the cinema's convention either."""
