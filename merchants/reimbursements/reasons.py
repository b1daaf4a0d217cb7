"""Why a run is refused: each changes nothing."""

from sesame.platform.problems import Reason, SesameError, declare


class NothingToPay(SesameError):
    """No payee is owed anything before the cut-off that no run has claimed."""

    reason = declare(
        Reason(
            "nothing_to_pay",
            409,
            "Rien à rembourser pour %(payer)s : toutes les ventes avant l'arrêté sont déjà dans une "
            "campagne.",
        )
    )


class NobodyPayable(SesameError):
    """Whoever is due money has an account that a bank would refuse."""

    reason = declare(
        Reason(
            "nobody_payable",
            409,
            "Aucun virement possible : %(count)s créancier(s) ont des coordonnées bancaires à "
            "corriger d'abord.",
        )
    )


class PayerUnknown(SesameError):
    """No envelope under the mandate regime is paid by this funder."""

    reason = declare(
        Reason(
            "payer_unknown",
            404,
            "Le financeur %(payer)s ne paie aucune enveloppe sous le régime du mandat.",
        )
    )


class CutoffInFuture(SesameError):
    """The cut-off hasn't come yet."""

    reason = declare(
        Reason("cutoff_in_future", 422, "La date d'arrêté d'une campagne ne peut pas être à venir.")
    )


class CutoffInvalid(SesameError):
    """The cut-off isn't a date and time."""

    reason = declare(
        Reason(
            "cutoff_invalid",
            422,
            "La date d'arrêté doit s'écrire comme 2026-11-24T00:00 (heure de la Région) ou "
            "2026-11-24T00:00+01:00.",
        )
    )


class RunUnknown(SesameError):
    """There is no such run."""

    reason = declare(Reason("run_unknown", 404, "Cette campagne de remboursement n'existe pas."))


class RunNotDraft(SesameError):
    """The run was approved or withdrawn already: what it holds no longer changes."""

    reason = declare(
        Reason(
            "run_not_draft",
            409,
            "Cette campagne est déjà approuvée ou retirée ; elle ne change plus.",
        )
    )


class RunChangedSinceRead(SesameError):
    """What would be approved isn't what the approver read: refreshed meanwhile, or never read."""

    reason = declare(
        Reason(
            "run_changed_since_read",
            409,
            "La campagne a changé depuis que vous l'avez lue. Relisez-la, puis approuvez.",
        )
    )


class RunNotExported(SesameError):
    """The bank file was asked for again before it was made a first time."""

    reason = declare(
        Reason(
            "run_not_exported",
            409,
            "Le fichier bancaire de cette campagne n'a pas encore été produit.",
        )
    )


class RunNotApproved(SesameError):
    """The run's bank file was asked for before somebody approved it."""

    reason = declare(
        Reason(
            "run_not_approved",
            409,
            "Cette campagne n'est pas encore approuvée : son fichier bancaire n'existe pas.",
        )
    )


class ApprovedByItsAuthor(SesameError):
    """Whoever prepared a run can't approve it."""

    reason = declare(
        Reason(
            "approved_by_author",
            403,
            "Vous avez préparé cette campagne : une autre personne doit l'approuver.",
        )
    )


class ControlTotalsDiffer(SesameError):
    """Lines, payments and ledger don't give the same sum."""

    reason = declare(
        Reason(
            "control_totals_differ",
            409,
            "Les totaux de contrôle ne concordent pas : campagne %(run_cents)s, virements "
            "%(remittances_cents)s, ventes %(lines_cents)s, grand livre %(ledger_cents)s centimes. "
            "N'approuvez pas et prévenez l'exploitant.",
        )
    )


class PayeeChanged(SesameError):
    """Bank details have changed since the run was drafted."""

    reason = declare(
        Reason(
            "payee_changed",
            409,
            "%(changed)s compte(s) bancaire(s) ont changé depuis la préparation. La personne qui "
            "prépare doit relire et actualiser la campagne avant l'approbation.",
        )
    )


class BankFileChanged(SesameError):
    """The file made now isn't the one that was made first: it must not be sent."""

    reason = declare(
        Reason(
            "bank_file_changed",
            500,
            "Le fichier bancaire ne correspond plus à celui qui a été produit la première fois. Ne "
            "l'envoyez pas et prévenez l'exploitant.",
        )
    )


class ActorUnknown(SesameError):
    """No active member of staff has this login, or not with a role that may do this."""

    reason = declare(
        Reason(
            "actor_unknown",
            403,
            "Personne d'actif n'a cet identifiant avec le rôle voulu (%(roles)s).",
        )
    )
