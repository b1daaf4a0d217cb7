"""Why a statement is refused."""

from sesame.platform.problems import Reason, SesameError, declare


class PeriodInvalid(SesameError):
    """A period ends before it begins, or a moment has no zone."""

    reason = declare(
        Reason("period_invalid", 422, "La fin de la période doit venir après son début.")
    )


class StatementTooLong(SesameError):
    """More lines than a PDF can be read with; CSV and JSON have no limit. Figures: most."""

    reason = declare(
        Reason(
            "statement_too_long",
            422,
            "Ce relevé dépasse %(most)s lignes : demandez-le en CSV, ou sur une période plus courte.",
        )
    )


class MomentInvalid(SesameError):
    """What was typed is neither a day nor a moment. Figures: typed."""

    reason = declare(
        Reason(
            "moment_invalid",
            422,
            "« %(typed)s » n'est pas une date : écrivez 2026-09-01, ou 2026-09-01T08:00.",
        )
    )
