"""Why a payment order can't become a bank file."""

from sesame.platform.problems import Reason, SesameError, declare


class OrderEmpty(SesameError):
    """A payment order without a payment."""

    reason = declare(
        Reason("payment_order_empty", 409, "Cet ordre de virement ne contient aucun virement.")
    )


class OrderReferenceInvalid(SesameError):
    """A message or end-to-end id that a bank could refuse, or that is used twice."""

    reason = declare(
        Reason(
            "payment_reference_invalid",
            409,
            "Une référence de l'ordre de virement est mal formée ou sert deux fois.",
        )
    )


class OrderAmountInvalid(SesameError):
    """An amount below one cent, or above what one SEPA credit transfer carries."""

    reason = declare(
        Reason(
            "payment_amount_invalid",
            409,
            "Le virement %(end_to_end_id)s a un montant qu'un virement SEPA ne peut pas porter.",
        )
    )


class OrderPartyInvalid(SesameError):
    """A payer or payee whose name, address, IBAN or BIC can't be written into a bank file."""

    reason = declare(
        Reason(
            "payment_party_invalid",
            409,
            "Les coordonnées bancaires du virement %(end_to_end_id)s sont inutilisables : "
            "%(field)s. Corrigez la fiche du créancier, puis préparez à nouveau la campagne.",
        )
    )


class BankFileInvalid(SesameError):
    """The file that was made doesn't follow the norm's schema: ours to mend, nothing is sent."""

    reason = declare(
        Reason(
            "bank_file_invalid",
            500,
            "Le fichier bancaire produit n'est pas conforme à la norme. Rien n'a été envoyé.",
        )
    )
