"""Why a document of public accounting is refused."""

from sesame.platform.problems import Reason, SesameError, declare


class NotAnEnvelope(SesameError):
    """An id that was given for an envelope isn't one's."""

    reason = declare(
        Reason("not_an_envelope", 422, "Un des comptes demandés n'est pas une enveloppe.")
    )


class MandateNotWhole(SesameError):
    """The money of these envelopes meets that of others. Figures: others, their ids."""

    reason = declare(
        Reason(
            "mandate_not_whole",
            422,
            "Ces enveloppes se paient avec d'autres : ajoutez %(others)s pour tenir un compte complet.",
        )
    )


class SirenInvalid(SesameError):
    """A SIREN has nine digits, the last of which checks the others."""

    reason = declare(
        Reason(
            "operator_siren_invalid",
            422,
            "Le SIREN compte neuf chiffres, dont une clé : vérifiez-le.",
        )
    )


class ChartInvalid(SesameError):
    """A chart of accounts gives a number that can't be. Figures: number."""

    reason = declare(
        Reason(
            "chart_invalid",
            422,
            "« %(number)s » n'est pas un compte de tiers (classe 4) ou de banque (classe 5).",
        )
    )


class DocumentsTwice(SesameError):
    """Two supporting documents have the same file name. Figures: name."""

    reason = declare(
        Reason("documents_twice", 422, "Deux pièces justificatives portent le nom « %(name)s ».")
    )


class NothingToCall(SesameError):
    """The funder was asked for all that it bears already."""

    reason = declare(
        Reason(
            "nothing_to_call",
            409,
            "Ce financeur a déjà été appelé pour tout ce qu'il supporte à cette date.",
        )
    )


class CallAhead(SesameError):
    """A call for funds asks for what has counted, not for what may come."""

    reason = declare(
        Reason("call_ahead", 422, "Un appel de fonds ne porte que sur des dépenses passées.")
    )


class SameFunder(SesameError):
    """An envelope isn't called for what it pays itself, nor for a programme that it doesn't share."""

    reason = declare(
        Reason(
            "same_funder",
            422,
            "Ces deux enveloppes ne financent pas ensemble un même dispositif.",
        )
    )


class AccountsDontReconcile(SesameError):
    """The bank's movements and the accounts' balances tell two stories: nothing is rendered."""

    reason = declare(
        Reason(
            "accounts_dont_reconcile",
            500,
            "La trésorerie et les soldes ne se rejoignent pas : lancez `sesame ledger verify`.",
        )
    )
