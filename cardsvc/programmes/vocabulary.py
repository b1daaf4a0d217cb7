"""The words that rules may use where a list is closed: statuses, grades, categories, regimes."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

STATUSES: dict[str, LazyString] = {
    "lyceen": _l("lycéen·ne"),
    "apprentice": _l("apprenti·e"),
    "student": _l("étudiant·e"),
    "jobseeker": _l("en recherche d'emploi"),
}

GRADES: dict[str, LazyString] = {
    "seconde": _l("seconde"),
    "premiere": _l("première"),
    "terminale": _l("terminale"),
    "cap1": _l("première année de CAP"),
    "cap2": _l("deuxième année de CAP"),
    "other": _l("une autre classe"),
}

CATEGORIES: dict[str, LazyString] = {
    "textbooks": _l("manuels scolaires"),
    "books": _l("livres"),
    "comics": _l("bandes dessinées"),
    "press": _l("presse"),
    "music": _l("musique"),
    "cinema": _l("cinéma"),
    "live_shows": _l("spectacles"),
    "museums": _l("musées et expositions"),
    "arts_practice": _l("pratique artistique"),
    "sports": _l("sport"),
    "equipment": _l("équipement professionnel"),
    "digital": _l("matériel numérique"),
    "catering": _l("restauration"),
    "transport": _l("transport"),
    "housing": _l("hébergement"),
    "driving": _l("permis de conduire"),
    "training": _l("formations (BAFA, secourisme…)"),
    "health": _l("santé"),
}

REGIMES: dict[str, LazyString] = {
    "mandate": _l("mandat de gestion"),
    "regie": _l("régie d'avances"),
    "mandatement": _l("mandatement"),
}
