"""What the till's script says, in the page's language. The page carries them as data: the script
holds no sentence of its own.
"""

from flask_babel import gettext as _

from merchants.directory.categories import category_label

KNOWN_CATEGORIES = (
    *("textbooks", "books", "comics", "cinema", "live_shows"),
    *("sports", "music", "museums", "equipment"),
)


def till_texts() -> dict[str, str]:
    """Return each sentence by the name that the script knows it by. `{x}` is filled there."""
    return {
        "till_number": _("Caisse {number}"),
        "reader_number": _("Lecteur {number}"),
        "convention_active": _("convention active"),
        "online": _("En ligne"),
        "offline": _("Hors ligne"),
        "type_amount": _("Tapez d'abord le montant."),
        "too_much": _("Ce montant est trop grand."),
        "not_a_card": _("Ce code n'est pas celui d'une carte. Demandez à voir le code qui change."),
        "approved": _("Accepté"),
        "partial": _("Payé en partie"),
        "refused": _("Refusé"),
        "nothing_taken": _("La carte n'a rien payé."),
        "nothing_left": _("Rien à encaisser."),
        "checking": _("Un instant…"),
        "verifying": _("On vérifie…"),
        "verifying_more": _(
            "La réponse n'est pas encore arrivée. Ne refaites pas la vente : "
            "nous demandons si elle a été payée."
        ),
        "verifying_offline": _(
            "Pas de réseau. Ne refaites pas la vente : la réponse s'affichera dès son retour."
        ),
        "no_network": _("Pas de réseau"),
        "no_network_more": _(
            "La vente n'est pas partie et la carte n'a rien payé. "
            "Vérifiez la connexion, puis lisez la carte de nouveau."
        ),
        "not_sold": _("Vente non faite"),
        "camera_refused": _(
            "L'appareil photo n'est pas disponible. Autorisez-le dans le navigateur, "
            "ou passez le code à la douchette."
        ),
        "camera_missing": _("Aucun appareil photo ici. Passez le code à la douchette."),
        "suspended": _("Caisse suspendue"),
        "suspended_more": _(
            "Cette caisse ne peut pas vendre pour le moment. Appelez votre Région "
            "avec le code ci-dessous."
        ),
        "revoked": _("Caisse retirée"),
        "revoked_more": _(
            "Cette caisse ne sert plus. Pour en activer une autre, demandez un code."
        ),
        "convention_draft": _("Convention à signer"),
        "convention_draft_more": _(
            "Cette caisse vendra dès que la convention de la boutique sera active."
        ),
        "convention_suspended": _("Convention suspendue"),
        "convention_suspended_more": _(
            "La boutique ne peut pas vendre avec la carte pour le moment. Appelez votre Région."
        ),
        "convention_ended": _("Pas de convention"),
        "convention_ended_more": _(
            "La boutique n'a plus de convention en cours : elle ne peut pas vendre avec la carte."
        ),
        "unreachable": _("Le service ne répond pas"),
        "unreachable_more": _("Vérifiez la connexion de cette caisse."),
        "unknown_till": _("Cette caisse n'est plus connue. Activez-la de nouveau avec un code."),
        "enter_code": _("Tapez le code que vous avez reçu."),
        "browser_too_old": _("Navigateur trop ancien"),
        "browser_too_old_more": _(
            "Cette caisse a besoin d'un navigateur à jour, ouvert à une adresse sûre (https)."
        ),
    }


def category_labels() -> dict[str, str]:
    """Return the words of every category that has some."""
    return {code: category_label(code) for code in KNOWN_CATEGORIES}
