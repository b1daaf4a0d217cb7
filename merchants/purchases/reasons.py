"""Why a purchase is refused, or paid in part: codes, and the sentences for cashier and holder."""

from sesame.platform.problems import Reason, SesameError, declare

# Each sentence is written whole: the catalogue is made of the strings that stand here.
REFUSALS = {
    reason.code: declare(reason)
    for reason in (
        Reason(
            "qr_malformed", 422,
            "Ce code n'est pas celui d'une carte Sésame. Demandez au client d'ouvrir sa carte.",
            "Le code lu n'était pas celui de ta carte. Ouvre ta carte et montre le code.",
        ),
        Reason(
            "qr_too_long", 422,
            "Ce code n'est pas celui d'une carte Sésame. Demandez au client d'ouvrir sa carte.",
            "Le code lu n'était pas celui de ta carte. Ouvre ta carte et montre le code.",
        ),
        Reason(
            "issuer_unknown", 422,
            "Cette carte vient d'une région qui n'est pas acceptée ici.",
            "Ta carte vient d'une région qui n'est pas acceptée dans ce magasin.",
        ),
        Reason(
            "issuer_key_unknown", 422,
            "Cette carte est signée par une clé inconnue. Demandez au client de rouvrir sa carte avec du réseau.",
            "Ta carte doit être mise à jour : ouvre-la quand tu as du réseau.",
        ),
        Reason(
            "token_signature_invalid", 422,
            "Ce code a été modifié : la vente est refusée.",
            "Le code présenté n'était pas authentique.",
        ),
        Reason(
            "token_expired", 422,
            "La carte du client doit être mise à jour. Demandez-lui de l'ouvrir avec du réseau.",
            "Ta carte n'est plus à jour : ouvre-la quand tu as du réseau, puis recommence.",
        ),
        Reason(
            "token_not_yet_valid", 422,
            "La carte du client n'est pas encore valable.",
            "Ta carte n'est pas encore valable.",
        ),
        Reason(
            "token_unknown", 422,
            "Cette carte n'est pas connue. Demandez au client d'afficher un nouveau code.",
            "Ta carte n'a pas été reconnue : ouvre-la quand tu as du réseau, puis recommence.",
        ),
        Reason(
            "proof_signature_invalid", 422,
            "Ce code ne vient pas du téléphone du titulaire : la vente est refusée.",
            "Le code présenté ne venait pas de ton téléphone.",
        ),
        Reason(
            "proof_expired", 422,
            "Ce code a expiré. Demandez au client d'afficher un nouveau code.",
            "Ouvre ta carte et montre le nouveau code.",
        ),
        Reason(
            "proof_from_future", 422,
            "L'horloge du téléphone du client est en avance. Demandez-lui de la régler, ou un nouveau code.",
            "L'horloge de ton téléphone est en avance : règle-la sur automatique.",
        ),
        Reason(
            "proof_replayed", 422,
            "Ce code a déjà servi. Demandez au client d'afficher un nouveau code.",
            "Ouvre ta carte et montre le nouveau code.",
        ),
        Reason(
            "phone_revoked", 422,
            "Ce téléphone n'est plus celui de la carte : la vente est refusée.",
            "Ce téléphone n'est plus relié à ta carte : relie-le de nouveau.",
        ),
        Reason(
            "card_not_active", 422,
            "Cette carte est bloquée ou n'est plus valable : la vente est refusée.",
            "Ta carte est bloquée ou n'est plus valable. Regarde dans « Moi » ce qu'il faut faire.",
        ),
        Reason(
            "terminal_not_active", 403,
            "Ce terminal est suspendu. Appelez l'assistance de la Région.",
            "Le terminal du magasin est suspendu. Ta carte n'est pas en cause.",
        ),
        Reason(
            "convention_not_active", 403,
            "Votre convention n'est pas active : les ventes par carte sont arrêtées. Appelez la Région.",
            "Ce magasin ne peut pas encaisser la carte en ce moment. Ta carte n'est pas en cause.",
        ),
        Reason(
            "convention_amount_exceeded", 422,
            "Le montant dépasse le plafond par achat de votre convention.",
            "Le montant dépasse ce que ce magasin peut encaisser en une fois.",
        ),
        Reason(
            "category_not_in_convention", 422,
            "Ce type d'article n'est pas prévu dans votre convention.",
            "Ce magasin ne peut pas encaisser ce type d'article avec la carte.",
        ),
        Reason(
            "partial_not_accepted", 422,
            "La carte ne peut pas tout payer, et ce terminal n'accepte pas de paiement partiel.",
            "Ta carte ne pouvait pas tout payer, et ce magasin n'accepte pas de compléter autrement.",
        ),
    )
}  # fmt: skip


class PurchaseUnknown(SesameError):
    """No purchase was booked under this key by this terminal."""

    reason = declare(
        Reason("purchase_unknown", 404, "Aucune vente n'est enregistrée sous cette clé.")
    )


class PurchaseBusy(SesameError):
    """The card is paying elsewhere at this very moment, again and again."""

    reason = declare(
        Reason(
            "purchase_busy",
            503,
            "Cette carte est en train de payer ailleurs. Recommencez dans un instant.",
        )
    )
