"""Why a merchant, a site or a payee can't be registered."""

from sesame.platform.problems import Reason, SesameError, declare


class SirenInvalid(SesameError):
    """Not nine digits with a right Luhn key."""

    reason = declare(
        Reason(
            "siren_invalid",
            422,
            "Ce numéro SIREN n'est pas valable : vérifiez ses 9 chiffres.",
        )
    )


class SiretInvalid(SesameError):
    """Not fourteen digits with a right key (Luhn; La Poste's own rule)."""

    reason = declare(
        Reason(
            "siret_invalid",
            422,
            "Ce numéro SIRET n'est pas valable : vérifiez ses 14 chiffres.",
        )
    )


class IbanInvalid(SesameError):
    """Wrong length, check digits or national key."""

    reason = declare(
        Reason("iban_invalid", 422, "Cet IBAN n'est pas valable : vérifiez-le sur le RIB.")
    )


class IbanOutsideSepa(SesameError):
    """A right IBAN of a country that SEPA credit transfers don't reach."""

    reason = declare(
        Reason(
            "iban_outside_sepa",
            422,
            "Cet IBAN est hors de la zone SEPA : indiquez un compte d'un pays de la zone.",
        )
    )


class BicInvalid(SesameError):
    """Not the form of a BIC (ISO 9362)."""

    reason = declare(
        Reason("bic_invalid", 422, "Ce BIC n'est pas valable : vérifiez-le sur le RIB.")
    )


class FieldMissing(SesameError):
    """A field that is needed is empty."""

    reason = declare(Reason("field_missing", 422, "Cette information est obligatoire."))


class FieldTooLong(SesameError):
    """A field has more characters than may be kept or sent to a bank."""

    reason = declare(
        Reason(
            "field_too_long", 422, "Cette information est trop longue : %(most)s signes au plus."
        )
    )


class FieldMalformed(SesameError):
    """A field has not the form that it should have."""

    reason = declare(
        Reason("field_malformed", 422, "Cette information n'a pas la forme attendue : %(example)s.")
    )


class PayeeUnwritable(SesameError):
    """A bank file can't hold this, in the characters that all banks of the SEPA area accept."""

    reason = declare(
        Reason(
            "payee_unwritable",
            422,
            "Une banque ne pourrait pas lire le champ « %(field)s » : écrivez-le en lettres latines, "
            "comme sur le RIB.",
        )
    )


class SiteExists(SesameError):
    """A site with that SIRET is registered."""

    reason = declare(Reason("site_exists", 409, "Ce point d'accueil est déjà enregistré."))


class SiteTwice(SesameError):
    """Two lines of a file have the same SIRET."""

    reason = declare(Reason("site_twice", 422, "Ce SIRET est déjà à la ligne %(first)s."))


class MerchantUnknown(SesameError):
    """No merchant has that SIREN or id."""

    reason = declare(Reason("merchant_unknown", 404, "Aucun partenaire n'a ce numéro SIREN."))


class SiteUnknown(SesameError):
    """No site has that SIRET or id."""

    reason = declare(Reason("site_unknown", 404, "Aucun point d'accueil n'a ce numéro SIRET."))


class PayeeUnknown(SesameError):
    """No payee has that id."""

    reason = declare(Reason("payee_unknown", 404, "Ce créancier n'existe pas."))


class MerchantFileUnreadable(SesameError):
    """Not a CSV file in UTF-8 with the columns that are needed."""

    reason = declare(
        Reason(
            "merchant_file_unreadable",
            422,
            "Ce fichier ne peut pas être lu : il faut un CSV en UTF-8, séparé par « ; », "
            "avec les colonnes %(columns)s.",
        )
    )


class MerchantFileRefused(SesameError):
    """Some lines are wrong, so none was imported. `lines`: line number, field, code, sentence."""

    reason = declare(
        Reason(
            "merchant_file_refused",
            422,
            "Rien n'a été importé : %(count)s information(s) à corriger dans le fichier.",
        )
    )
