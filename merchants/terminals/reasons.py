"""Why a terminal can't be enrolled, isn't believed, or may not sell."""

from sesame.platform.problems import Reason, SesameError, declare


class TerminalCodeUnknown(SesameError):
    """No such code."""

    reason = declare(
        Reason("terminal_code_unknown", 422, "Ce code n'existe pas. Vérifiez-le et recommencez.")
    )


class TerminalCodeUsed(SesameError):
    """The code has enrolled a terminal already."""

    reason = declare(
        Reason(
            "terminal_code_used",
            409,
            "Ce code a déjà servi : il n'active qu'une seule caisse. Demandez un nouveau code.",
        )
    )


class TerminalCodeExpired(SesameError):
    """The code's time is over."""

    reason = declare(
        Reason(
            "terminal_code_expired", 410, "Ce code n'est plus valable. Demandez un nouveau code."
        )
    )


class TerminalKeyInvalid(SesameError):
    """Not the public key of a P-256 pair, or the private part is with it."""

    reason = declare(
        Reason(
            "terminal_key_invalid",
            422,
            "La clé de cette caisse n'est pas utilisable (%(problem)s). Il faut la partie publique "
            "d'une clé P-256.",
        )
    )


class TerminalKeyKnown(SesameError):
    """Another terminal was enrolled with this key: two terminals never share one."""

    reason = declare(
        Reason(
            "terminal_key_known",
            409,
            "Une autre caisse utilise déjà cette clé. Rechargez la page pour en créer une.",
        )
    )


class TerminalUnknown(SesameError):
    """Nobody enrolled a terminal of that id."""

    reason = declare(
        Reason("terminal_unknown", 401, "Cette caisse n'est pas connue. Activez-la avec un code.")
    )


class TerminalTransitionRefused(SesameError):
    """From this state, that one can't follow."""

    reason = declare(
        Reason(
            "terminal_transition_refused",
            409,
            "Cette caisse est à l'état « %(from_state)s » : elle ne peut pas passer à "
            "« %(to_state)s ».",
        )
    )


class TerminalChangeTooEarly(SesameError):
    """The change is dated before the last one."""

    reason = declare(
        Reason(
            "terminal_change_too_early",
            409,
            "Ce changement est daté d'avant le précédent. Vérifiez l'heure de la machine.",
        )
    )


class RequestUnsigned(SesameError):
    """No signature on a request that needs one."""

    reason = declare(
        Reason("request_unsigned", 401, "Cette demande n'est pas signée par une caisse.")
    )


class RequestSignatureMalformed(SesameError):
    """A signature of another form than docs/credential.md says."""

    reason = declare(
        Reason(
            "request_signature_malformed",
            401,
            "La signature de cette caisse n'a pas la forme attendue.",
        )
    )


class RequestSignatureInvalid(SesameError):
    """Not signed by the key that the terminal enrolled, or altered on the way."""

    reason = declare(
        Reason(
            "request_signature_invalid",
            401,
            "La signature de cette caisse n'est pas la bonne. Activez-la de nouveau avec un code.",
        )
    )


class RequestDigestMismatch(SesameError):
    """The body isn't the one that was signed."""

    reason = declare(
        Reason(
            "request_digest_mismatch",
            401,
            "Cette demande a été modifiée en chemin. Recommencez.",
        )
    )


class RequestSignatureExpired(SesameError):
    """Signed more than two minutes ago, or ahead."""

    reason = declare(
        Reason(
            "request_signature_expired",
            401,
            "L'heure de cette caisse n'est pas juste. Rechargez la page et recommencez.",
        )
    )
