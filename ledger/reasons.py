"""Why the ledger refuses."""

from sesame.platform.problems import Reason, SesameError, declare


class InsufficientBalance(SesameError):
    """A guarded account holds less than the transfers take from it."""

    reason = declare(
        Reason(
            "insufficient_balance",
            409,
            "Il ne reste pas assez d'argent sur ce compte pour cette opération.",
        )
    )


class UnknownAccount(SesameError):
    """A transfer names an account that doesn't exist."""

    reason = declare(Reason("unknown_account", 422, "Ce compte n'existe pas dans le grand livre."))


class AssetMismatch(SesameError):
    """The two accounts of a transfer hold different assets."""

    reason = declare(
        Reason("asset_mismatch", 422, "Les deux comptes ne tiennent pas la même unité.")
    )


class AmountOutOfRange(SesameError):
    """An amount is zero, negative, or beyond what the ledger holds."""

    reason = declare(
        Reason("amount_out_of_range", 422, "Le montant doit être positif et raisonnable.")
    )


class TransferExists(SesameError):
    """A transfer with this id exists, with the same content: a retry, and harmless."""

    reason = declare(Reason("transfer_exists", 409, "Cette écriture est déjà enregistrée."))


class TransferExistsDifferently(SesameError):
    """A transfer with this id exists, with another content."""

    reason = declare(
        Reason(
            "transfer_exists_differently",
            409,
            "Une autre écriture porte déjà cet identifiant.",
        )
    )


class MovementNotAllowed(SesameError):
    """A transfer of this kind doesn't go between accounts of these kinds, or not by itself."""

    reason = declare(
        Reason(
            "movement_not_allowed",
            422,
            "Ce type d'écriture ne va pas d'un de ces comptes à l'autre.",
        )
    )


class PeriodClosed(SesameError):
    """It would count in a period that is closed."""

    reason = declare(
        Reason(
            "period_closed",
            409,
            "Cette période est clôturée : plus rien ne peut y être compté.",
        )
    )


class PeriodNotOver(SesameError):
    """A period is only closed once it is over."""

    reason = declare(
        Reason("period_not_over", 422, "On ne clôture qu'une période terminée, au premier du mois.")
    )


class HoldUnknown(SesameError):
    """There is no such hold."""

    reason = declare(Reason("hold_unknown", 404, "Cette réservation n'existe pas."))


class HoldExceeded(SesameError):
    """A capture above what is left of its hold."""

    reason = declare(Reason("hold_exceeded", 409, "L'encaissement dépasse ce qui est réservé."))


class HoldLapsed(SesameError):
    """The hold's time is over: what it kept can be spent again."""

    reason = declare(Reason("hold_lapsed", 409, "La réservation a expiré : refaites la vente."))


class HoldEnded(SesameError):
    """The hold was captured or voided already."""

    reason = declare(Reason("hold_ended", 409, "Cette réservation est déjà terminée."))


class CorrectsTooMuch(SesameError):
    """More would be taken back than was moved: a refund above its capture."""

    reason = declare(
        Reason(
            "corrects_too_much",
            409,
            "On ne peut pas rendre plus que ce qui a été pris.",
        )
    )


class NothingToCorrect(SesameError):
    """There is no such transfer, or it is of a kind that isn't taken back so."""

    reason = declare(
        Reason("nothing_to_correct", 404, "Il n'y a pas d'écriture à corriger de cette façon.")
    )


class PriceAboveFaceValue(SesameError):
    """The price of tickets is above what their face value covers."""

    reason = declare(
        Reason(
            "price_above_face_value",
            409,
            "Le prix dépasse la valeur des tickets présentés.",
        )
    )


class SealBroken(SesameError):
    """The kept log isn't what was sealed: somebody changed it."""

    reason = declare(
        Reason(
            "seal_broken",
            500,
            "Le journal scellé a été modifié après coup : prévenez l'agent comptable.",
        )
    )


class NothingSealed(SesameError):
    """The log hasn't as many leaves yet."""

    reason = declare(Reason("nothing_sealed", 409, "Le journal scellé ne va pas encore jusque-là."))


class UnknownTransfer(SesameError):
    """There is no transfer of this id."""

    reason = declare(Reason("unknown_transfer", 404, "Cette écriture n'existe pas."))


class ExportExists(SesameError):
    """The folder of an export is there already: one is never written over another."""

    reason = declare(
        Reason("export_exists", 409, "Ce dossier existe déjà : choisissez-en un autre.")
    )


class YearNotArchivable(SesameError):
    """A year can be detached once it is closed, its balances are kept, and all of it is sealed."""

    reason = declare(
        Reason(
            "year_not_archivable",
            409,
            "L'année %(year)s ne peut pas être archivée : elle doit être clôturée, ses soldes conservés et "
            "toutes ses écritures scellées.",
        )
    )
