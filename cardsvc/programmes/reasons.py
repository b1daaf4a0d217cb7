"""Why programmes refuse: a file that can't be taken, money that isn't there, a basket's line that
the card doesn't pay in full.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sesame.platform.problems import Reason, SesameError, declare


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a programme's file. code: stable. line: from 1. path: fields and indexes.

    sentence: in the locale in which the file was checked.
    """

    code: str
    line: int
    path: tuple[str | int, ...]
    sentence: str

    def where(self) -> str:
        """Return the path as people write it: `lines[0].caps.per_day`."""
        written = ""
        for step in self.path:
            written += f"[{step}]" if isinstance(step, int) else f".{step}"
        return written.removeprefix(".")


class ProgrammeFileInvalid(SesameError):
    """A programme's file breaks rules of its format: all of its problems, in order of line."""

    reason = declare(
        Reason(
            "programme_file_invalid",
            422,
            "Ce fichier de dispositif contient %(count)s erreur(s) : rien n'a été modifié.",
        )
    )

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda each: (each.line, each.where())))
        super().__init__(
            count=len(self.problems),
            problems=[
                {
                    "code": each.code,
                    "line": each.line,
                    "path": each.where(),
                    "sentence": each.sentence,
                }
                for each in self.problems
            ],
        )

    def codes(self) -> tuple[str, ...]:
        """Return the problems' codes."""
        return tuple(each.code for each in self.problems)


class FunderUnknown(SesameError):
    """No funder has that code."""

    reason = declare(
        Reason(
            "funder_unknown",
            422,
            "Le financeur « %(funder)s » n'existe pas. Ajoutez-le, ou corrigez son code.",
        )
    )


class FunderExists(SesameError):
    """A funder has that code already, with other particulars."""

    reason = declare(
        Reason(
            "funder_exists",
            409,
            "Le financeur « %(funder)s » existe déjà avec d'autres informations.",
        )
    )


class FunderInvalid(SesameError):
    """A funder's particulars are wrong; `field` says which."""

    reason = declare(
        Reason("funder_invalid", 422, "Le champ « %(field)s » du financeur est incorrect.")
    )


class ProgrammeSlugInvalid(SesameError):
    """That can't be a programme's short name."""

    reason = declare(
        Reason(
            "programme_slug_invalid",
            422,
            "Le nom court d'un dispositif n'a que des minuscules, des chiffres et des tirets.",
        )
    )


class EnvelopeExists(SesameError):
    """The funder's envelope is open already, and may owe another amount."""

    reason = declare(
        Reason(
            "envelope_exists",
            409,
            "L'enveloppe de %(funder)s est déjà ouverte avec une autre limite.",
        )
    )


class EnvelopeMissing(SesameError):
    """A funder of the file has set no money aside for this programme."""

    reason = declare(
        Reason(
            "envelope_missing",
            422,
            "Le financeur « %(funder)s » n'a pas d'enveloppe pour ce dispositif. "
            "Alimentez-la d'abord.",
        )
    )


class EnvelopeInsufficient(SesameError):
    """An envelope holds less than its share of the grants."""

    reason = declare(
        Reason(
            "envelope_insufficient",
            409,
            "L'enveloppe de « %(funder)s » ne suffit pas : il faut %(needed)s, elle contient "
            "%(available)s. Rien n'a été attribué.",
        )
    )


class EnvelopeRegimeDiffers(SesameError):
    """The envelope was opened under another regime, which money in it has followed."""

    reason = declare(
        Reason(
            "envelope_regime_differs",
            409,
            "L'enveloppe de « %(funder)s » suit déjà un autre régime (%(regime)s).",
        )
    )


class SeasonOver(SesameError):
    """The season's last day has passed: nothing could be spent any more."""

    reason = declare(
        Reason(
            "season_over",
            409,
            "La campagne s'est terminée le %(last)s : ce dispositif ne peut plus rien attribuer.",
        )
    )


class ProgrammeUnknown(SesameError):
    """No published programme has that name."""

    reason = declare(Reason("programme_unknown", 404, "Ce dispositif n'a pas été publié."))


class PublisherUnknown(SesameError):
    """Whoever is said to publish isn't an officer here."""

    reason = declare(
        Reason("publisher_unknown", 403, "Aucun agent de la Région n'a cet identifiant.")
    )


class BeneficiaryUnknown(SesameError):
    """Nobody here by that id or INE."""

    reason = declare(
        Reason("beneficiary_unknown", 404, "Personne n'est connu ici sous cet identifiant.")
    )


# Why a basket's line is not paid in full. `sentence` is read aloud by the cashier.
CATEGORY_NOT_COVERED = declare(
    Reason(
        "category_not_covered",
        422,
        "La carte ne paie pas ce type d'article.",
        holder="Ta carte ne paie pas ce type d'article. Regarde dans « Ma carte » ce qu'elle paie.",
    )
)
NO_ENTITLEMENT = declare(
    Reason(
        "no_entitlement",
        422,
        "Cette carte n'a pas encore de droit ouvert.",
        holder="Tu n'as pas encore de droit ouvert. Si ton établissement t'a inscrit, "
        "reviens voir dans « Ma carte » sous quelques jours.",
    )
)
ENTITLEMENT_EXHAUSTED = declare(
    Reason(
        "entitlement_exhausted",
        422,
        "Il ne reste pas assez sur la carte pour cet achat.",
        holder="Il ne te reste pas assez pour cet achat. Tu peux payer la différence toi-même.",
    )
)
ENTITLEMENT_NOT_STARTED = declare(
    Reason(
        "entitlement_not_started",
        422,
        "Ce droit n'est pas encore ouvert.",
        holder="Ce droit n'est pas encore ouvert. Sa date de début est dans « Ma carte ».",
    )
)
ENTITLEMENT_EXPIRED = declare(
    Reason(
        "entitlement_expired",
        422,
        "Ce droit est terminé : sa date limite est passée.",
        holder="Ce droit est terminé : sa date limite est passée. Regarde dans « Ma carte » "
        "ce que tu peux encore utiliser.",
    )
)
CAP_PURCHASE_REACHED = declare(
    Reason(
        "cap_purchase_reached",
        422,
        "La carte ne paie pas plus pour un seul achat.",
        holder="Ta carte ne paie pas plus pour un seul achat. "
        "Tu peux payer la différence toi-même.",
    )
)
CAP_DAY_REACHED = declare(
    Reason(
        "cap_day_reached",
        422,
        "La carte a atteint sa limite pour aujourd'hui.",
        holder="Tu as atteint la limite du jour pour ce droit. Tu pourras l'utiliser demain.",
    )
)
CAP_UNIT_PRICE_REACHED = declare(
    Reason(
        "cap_unit_price_reached",
        422,
        "La carte ne paie qu'une partie du prix de cet article.",
        holder="Ta carte ne paie qu'une partie du prix de cet article. Le reste est pour toi.",
    )
)
CAP_CATEGORY_REACHED = declare(
    Reason(
        "cap_category_reached",
        422,
        "La carte a atteint sa limite pour ce type d'article.",
        holder="Tu as atteint la limite de ce droit pour ce type d'article.",
    )
)
