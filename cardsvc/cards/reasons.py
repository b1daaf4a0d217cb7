"""Why something about a card is refused. It is the young person who asks, so they are told *tu*."""

from sesame.platform.problems import Reason, SesameError, declare


class CardMissing(SesameError):
    """The beneficiary has no card yet."""

    reason = declare(
        Reason(
            "card_missing", 404, "Tu n'as pas encore de carte. Ouvre « Ma carte » pour la créer."
        )
    )


class CardBlocked(SesameError):
    """The card is blocked: no phone is added, no token is given."""

    reason = declare(
        Reason(
            "card_blocked",
            409,
            "Ta carte est bloquée : elle ne peut pas payer. Demande à la Région de la débloquer.",
        )
    )


class CardLost(SesameError):
    """The card was declared lost, which is final."""

    reason = declare(
        Reason(
            "card_lost",
            409,
            "Ta carte est déclarée perdue : elle ne peut plus payer. "
            "Demande une nouvelle carte à la Région.",
        )
    )


class CardExpired(SesameError):
    """The card has reached its end, which is final."""

    reason = declare(
        Reason(
            "card_expired",
            409,
            "Ta carte n'est plus valable. Demande à la Région si tu as droit à une nouvelle carte.",
        )
    )


class CardMoveRefused(SesameError):
    """The life of a card doesn't go from `from_state` to `to_state`."""

    reason = declare(
        Reason("card_move_refused", 409, "Cette carte ne peut pas changer d'état de cette façon.")
    )


class PhoneKeyMalformed(SesameError):
    """Not a public key: coordinates missing, misspelt or off the curve."""

    reason = declare(
        Reason(
            "phone_key_malformed",
            422,
            "La clé de ce téléphone est illisible. Recharge la page pour en créer une autre.",
        )
    )


class PhoneKeyWrongCurve(SesameError):
    """A key of another kind than EC P-256."""

    reason = declare(
        Reason(
            "phone_key_wrong_curve",
            422,
            "La clé de ce téléphone n'est pas du bon type (P-256). "
            "Mets ton navigateur à jour et recommence.",
        )
    )


class PhoneKeyPrivate(SesameError):
    """The private half came with it: that key is given away and can't serve."""

    reason = declare(
        Reason(
            "phone_key_private",
            422,
            "La partie secrète de la clé a été envoyée : cette clé ne peut pas servir. "
            "Recharge la page pour en créer une autre.",
        )
    )


class PhoneKeyTaken(SesameError):
    """That key serves another card."""

    reason = declare(
        Reason(
            "phone_key_taken",
            409,
            "Ce téléphone sert déjà pour une autre carte. "
            "Recharge la page pour y mettre la tienne.",
        )
    )


class PhoneKeyRevoked(SesameError):
    """That phone was removed from the card."""

    reason = declare(
        Reason(
            "phone_key_revoked",
            409,
            "Ce téléphone a été retiré de ta carte. Recharge la page pour l'ajouter à nouveau.",
        )
    )


class PhoneLimitReached(SesameError):
    """The card is on as many phones as it may be (figure: limit)."""

    reason = declare(
        Reason(
            "phone_limit_reached",
            409,
            "Ta carte est déjà sur %(limit)s téléphones. Retires-en un dans « Moi », "
            "puis reviens ici.",
        )
    )


class PhoneUnknown(SesameError):
    """No such phone on this person's card."""

    reason = declare(
        Reason(
            "phone_unknown",
            404,
            "Ce téléphone n'est pas sur ta carte. Recharge la page pour l'ajouter.",
        )
    )


class IssuerKeyMissing(SesameError):
    """The scheme can sign no token: `sesame init` was not run, or its key file is gone."""

    reason = declare(
        Reason(
            "issuer_key_missing",
            503,
            "Les codes ne peuvent pas être préparés en ce moment. Réessaie dans quelques minutes.",
        )
    )
