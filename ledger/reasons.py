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
