"""What the console calls kinds of accounts and of transfers."""

from flask_babel import lazy_gettext as _l

ACCOUNTS = {
    "funding": _l("Fonds des financeurs"),
    "envelope": _l("Enveloppes"),
    "entitlement": _l("Droits des bénéficiaires"),
    "backing": _l("Provisions des tickets"),
    "issued": _l("Tickets émis"),
    "used": _l("Tickets utilisés"),
    "payable": _l("Dettes envers les partenaires"),
    "in_transit": _l("Virements en cours"),
    "paid": _l("Payé par la banque"),
}
ACCOUNT = {
    "funding": _l("Fonds d'un financeur"),
    "envelope": _l("Enveloppe"),
    "entitlement": _l("Droit d'un bénéficiaire"),
    "backing": _l("Provision de tickets"),
    "issued": _l("Tickets émis"),
    "used": _l("Tickets utilisés"),
    "payable": _l("Dette envers un partenaire"),
    "in_transit": _l("Virements en cours"),
    "paid": _l("Payé par la banque"),
}
TRANSFERS = {
    "fund": _l("Versement du financeur"),
    "correction": _l("Versement corrigé"),
    "grant": _l("Attribution"),
    "withdrawal": _l("Attribution retirée"),
    "expiry": _l("Fin de validité"),
    "regrant": _l("Nouvelle attribution"),
    "capture": _l("Encaissement"),
    "release": _l("Reliquat d'un ticket"),
    "cancellation": _l("Annulation"),
    "refund": _l("Remboursement client"),
    "remit": _l("Ordre de virement"),
    "settle": _l("Paiement par la banque"),
    "return": _l("Retour de la banque"),
}
