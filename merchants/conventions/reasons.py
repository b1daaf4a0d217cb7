"""Why a convention can't be made or can't change."""

from sesame.platform.problems import Reason, SesameError, declare


class ConventionMissing(SesameError):
    """The merchant has no convention."""

    reason = declare(Reason("convention_missing", 404, "Ce partenaire n'a pas de convention."))


class ConventionExists(SesameError):
    """The merchant has a convention that isn't terminated: it is amended, not doubled."""

    reason = declare(
        Reason(
            "convention_exists",
            409,
            "Ce partenaire a déjà une convention en cours : modifiez-la par un avenant.",
        )
    )


class ConventionParametersInvalid(SesameError):
    """The terms are incomplete or wrong; `fields` says which and why."""

    reason = declare(
        Reason(
            "convention_parameters_invalid",
            422,
            "Les paramètres de la convention sont incomplets ou incorrects.",
        )
    )


class ConventionTransitionRefused(SesameError):
    """From this state, that one can't follow."""

    reason = declare(
        Reason(
            "convention_transition_refused",
            409,
            "Cette convention est à l'état « %(from_state)s » : elle ne peut pas passer à "
            "« %(to_state)s ».",
        )
    )


class ConventionChangeTooEarly(SesameError):
    """The change is dated before the last one."""

    reason = declare(
        Reason(
            "convention_change_too_early",
            409,
            "Ce changement est daté d'avant le précédent. Vérifiez l'heure de la machine.",
        )
    )


class ConventionChangeUnexplained(SesameError):
    """A change of state needs its reason."""

    reason = declare(
        Reason("convention_change_unexplained", 422, "Dites pourquoi la convention change d'état.")
    )
