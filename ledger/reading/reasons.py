"""Why something of the ledger can't be read."""

from sesame.platform.problems import Reason, SesameError, declare


class AccountUnknown(SesameError):
    """No account has that id, or it isn't of the kind that the page is about."""

    reason = declare(
        Reason("account_unknown", 404, "Aucun compte du grand livre ne porte ce numéro.")
    )


class TransferUnknown(SesameError):
    """No transfer has that id."""

    reason = declare(Reason("transfer_unknown", 404, "Aucune écriture ne porte ce numéro."))


class NotSealedYet(SesameError):
    """The transfer is recorded, and the next sealing takes it: there is no proof before."""

    reason = declare(
        Reason(
            "not_sealed_yet",
            409,
            "Cette écriture n'est pas encore scellée. Réessayez dans une minute.",
        )
    )


class NoCheckpointYet(SesameError):
    """Nothing was sealed and signed yet."""

    reason = declare(
        Reason("no_checkpoint_yet", 404, "Aucun point de contrôle n'est encore signé.")
    )
