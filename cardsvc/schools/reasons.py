"""Why a roll, a line of it, a directory or a code is refused. Codes are stable; see also the page of
the platform's problems. Whatever is raised here has changed nothing.
"""

from sesame.platform.problems import Reason, SesameError, declare


class RollRefused(SesameError):
    """A roll that can't be taken at all: the base of all below, for whoever imports many."""


class RollUnreadable(RollRefused):
    """Not well-formed; `line` is where reading stopped."""

    reason = declare(
        Reason(
            "roll_unreadable",
            422,
            "Ce fichier est abîmé : la lecture s'arrête à la ligne %(line)s. "
            "Refaites l'export, puis envoyez-le sans l'ouvrir.",
        )
    )


class RollForbiddenXml(RollRefused):
    """A DOCTYPE or an entity: no real export has one, and they are how XML attacks its reader."""

    reason = declare(
        Reason(
            "roll_forbidden_xml",
            422,
            "Ce fichier contient une déclaration DOCTYPE ou des entités XML, ce qu'un export "
            "n'a jamais. Refaites l'export depuis SIECLE.",
        )
    )


class RollNotARoll(RollRefused):
    """Another kind of file; `found` is its root element or `csv`."""

    reason = declare(
        Reason(
            "roll_not_a_roll",
            422,
            "Ce fichier n'est pas une base élèves (trouvé : %(found)s). Il faut l'export SIECLE "
            "« Élèves avec adresses » ou « Élèves sans adresses », ou l'export CSV de FREGATA.",
        )
    )


class RollVersionUnknown(RollRefused):
    """A version of the format that was never read here."""

    reason = declare(
        Reason(
            "roll_version_unknown",
            422,
            "La version %(version)s de l'export SIECLE n'est pas connue : il faut 1.7 à 2.1.",
        )
    )


class RollEncodingUnknown(RollRefused):
    """Neither of the encodings that the exports use."""

    reason = declare(
        Reason(
            "roll_encoding_unknown",
            422,
            "L'encodage de ce fichier n'est pas lisible (il faut ISO-8859-15 ou UTF-8). "
            "Refaites l'export, puis envoyez-le sans l'ouvrir.",
        )
    )


class RollTooLarge(RollRefused):
    """More than a school could ever send."""

    reason = declare(
        Reason(
            "roll_too_large",
            413,
            "Ce fichier est trop gros pour une base élèves (plus de %(limit_mb)s Mo).",
        )
    )


class RollZipRefused(RollRefused):
    """An archive that is damaged, locked, or doesn't hold exactly one file."""

    reason = declare(
        Reason(
            "roll_zip_refused",
            422,
            "Cette archive ZIP ne peut pas être lue : elle doit être intacte, sans mot de passe, et "
            "contenir un seul fichier, l'export.",
        )
    )


class RollZipBomb(RollRefused):
    """An archive that unpacks to far more than a roll."""

    reason = declare(
        Reason(
            "roll_zip_bomb",
            422,
            "Cette archive ZIP se déplie en un fichier démesuré. Refaites l'export depuis SIECLE.",
        )
    )


class RollParameterWrong(RollRefused):
    """One of the file's own parameters is missing or wrong; `field` is its element."""

    reason = declare(
        Reason(
            "roll_parameter_wrong",
            422,
            "Le paramètre %(field)s du fichier manque ou n'a pas la bonne forme. Refaites l'export.",
        )
    )


class RollSchoolNeeded(RollRefused):
    """A FREGATA file doesn't say which school it is from."""

    reason = declare(
        Reason(
            "roll_school_needed",
            422,
            "Ce format ne dit pas de quel établissement il vient : indiquez son UAI à côté "
            "du fichier.",
        )
    )


class RollSchoolUnknown(RollRefused):
    """A UAI that is wrong, or that the directory doesn't hold."""

    reason = declare(
        Reason(
            "roll_school_unknown",
            422,
            "L'établissement %(uai)s n'est pas dans l'annuaire de cette carte.",
        )
    )


class RollSchoolMismatch(RollRefused):
    """The file is another school's than the one given."""

    reason = declare(
        Reason(
            "roll_school_mismatch",
            409,
            "Ce fichier est celui de l'établissement %(found)s, pas de %(expected)s.",
        )
    )


class RollYearWrong(RollRefused):
    """A school year that is over, or too far ahead."""

    reason = declare(
        Reason(
            "roll_year_wrong",
            422,
            "Ce fichier est celui de l'année scolaire %(year)s-%(next_year)s, qui n'est pas en cours.",
        )
    )


class RollOutdated(RollRefused):
    """A newer roll of this school was imported already."""

    reason = declare(
        Reason(
            "roll_outdated",
            409,
            "Une base élèves plus récente de cet établissement a déjà été importée. "
            "Refaites l'export aujourd'hui.",
        )
    )


class RollEmpty(RollRefused):
    """Nobody in it: importing it would end everybody's rights."""

    reason = declare(
        Reason("roll_empty", 422, "Ce fichier ne contient aucun élève affecté dans une classe.")
    )


class RollLinesRejected(RollRefused):
    """Some lines are wrong, so nothing of the file was imported."""

    reason = declare(
        Reason(
            "roll_lines_rejected",
            422,
            "%(count)s ligne(s) à corriger : rien n'a été importé de ce fichier.",
        )
    )


class RollDraftMissing(SesameError):
    """What was to be confirmed has been replaced, confirmed already, or is over a day old."""

    reason = declare(
        Reason(
            "roll_draft_missing",
            404,
            "Ce fichier n'attend plus de confirmation : envoyez-le de nouveau.",
        )
    )


class DirectoryRefused(SesameError):
    """Not the directory file; `columns` are those that it lacks."""

    reason = declare(
        Reason(
            "directory_columns_missing",
            422,
            "Ce fichier n'est pas l'annuaire de l'éducation : il manque les colonnes %(columns)s.",
        )
    )


class SchoolUnknown(SesameError):
    """No school by that UAI."""

    reason = declare(
        Reason("school_unknown", 404, "Aucun établissement %(uai)s dans l'annuaire de cette carte.")
    )


class CodeRefused(SesameError):
    """A class-sheet code that can't be used: the base of those below."""


class CodeMistyped(CodeRefused):
    """Its check character is wrong: a slip of the finger, found without asking the database."""

    reason = declare(
        Reason(
            "roll_code_mistyped",
            422,
            "Ce code contient une faute de frappe. Relis-le sur ta feuille, lettre par lettre.",
        )
    )


class CodeUnknown(CodeRefused):
    """Nobody's code."""

    reason = declare(
        Reason(
            "roll_code_unknown",
            404,
            "Ce code n'existe pas. Relis-le sur ta feuille, ou demandes-en un nouveau "
            "au secrétariat de ton établissement.",
        )
    )


class CodeUsed(CodeRefused):
    """It has served already."""

    reason = declare(
        Reason(
            "roll_code_used",
            409,
            "Ce code a déjà servi. Si ce n'était pas toi, préviens vite le secrétariat "
            "de ton établissement : il peut t'en donner un nouveau.",
        )
    )


class CodeExpired(CodeRefused):
    """Handed out too long ago."""

    reason = declare(
        Reason(
            "roll_code_expired",
            410,
            "Ce code n'est plus valable : il a plus de deux mois. Demandes-en un nouveau "
            "au secrétariat de ton établissement.",
        )
    )


class CodeReplaced(CodeRefused):
    """A newer one was printed, or its holder has left the school."""

    reason = declare(
        Reason(
            "roll_code_replaced",
            410,
            "Ce code a été remplacé par un plus récent. Prends ta dernière feuille, ou demandes-en "
            "une au secrétariat de ton établissement.",
        )
    )


# Why one line of a roll or of the directory is wrong. They are listed, not raised.
LINE_REASONS = (
    declare(Reason("ine_malformed", 422, "L'INE n'a pas la bonne forme (11 caractères).")),
    declare(Reason("ine_duplicate", 422, "Le même INE figure déjà plus haut dans ce fichier.")),
    declare(
        Reason(
            "ine_of_another", 422, "Cet INE est connu ailleurs avec une autre date de naissance."
        )
    ),
    declare(Reason("date_wrong", 422, "La date n'existe pas ou n'est pas écrite jj/mm/aaaa.")),
    declare(Reason("birth_date_implausible", 422, "La date de naissance n'est pas vraisemblable.")),
    declare(Reason("name_missing", 422, "Le nom ou le prénom manque.")),
    declare(Reason("text_too_long", 422, "Le texte est trop long pour cette rubrique.")),
    declare(
        Reason(
            "mef_malformed", 422, "Le code MEF manque ou n'a pas la bonne forme (11 caractères)."
        )
    ),
    declare(Reason("columns_wrong", 422, "La ligne n'a pas le bon nombre de colonnes.")),
    declare(
        Reason("uai_malformed", 422, "Le code UAI n'a pas la bonne forme, ou sa clé est fausse.")
    ),
    declare(Reason("value_wrong", 422, "La valeur n'a pas la bonne forme.")),
)

# Why a pupil of a roll is passed over, without refusing the rest.
SKIP_REASONS = (
    declare(Reason("pupil_left", 422, "A quitté l'établissement (date de sortie).")),
    declare(Reason("pupil_without_ine", 422, "N'a pas encore d'INE.")),
    declare(Reason("pupil_without_class", 422, "N'est affecté dans aucune classe.")),
    declare(Reason("pupil_other_status", 422, "N'est ni sous statut scolaire ni apprenti.")),
)
