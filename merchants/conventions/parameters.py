"""The terms of a convention that the system enforces: what is signed is what runs."""

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, validate, validates
from marshmallow.fields import Boolean, Int, List, Str

from merchants.conventions.reasons import ConventionParametersInvalid
from merchants.directory.categories import is_category
from sesame.platform.money import MAX_CENTS

# The longest delay that public buyers are allowed (Code de la commande publique, R2192-10).
LONGEST_PAYMENT_DELAY_DAYS = 30


class ConventionParameters(Schema):
    """categories: what the cards pay there. max_purchase_cents: the most for one purchase, null for
    no limit of the convention's own. payment_delay_days: a sale is paid by then. accepts_partial:
    whether the shop lets the card pay a part and takes the rest itself.
    """

    class Meta:
        """An unknown term is refused: nobody must believe that it is enforced."""

        unknown = RAISE

    categories = List(Str(), required=True, validate=validate.Length(min=1, max=50))
    max_purchase_cents = Int(
        strict=True,
        required=True,
        allow_none=True,
        validate=validate.Range(min=1, max=MAX_CENTS),
    )
    payment_delay_days = Int(
        strict=True, required=True, validate=validate.Range(min=1, max=LONGEST_PAYMENT_DELAY_DAYS)
    )
    accepts_partial = Boolean(load_default=True, truthy={True}, falsy={False})

    @validates("categories")
    def check_categories(self, value: list[str], data_key: str) -> None:
        """Refuse a code that can't name a category, and one given twice."""
        if not all(is_category(code) for code in value) or len(set(value)) != len(value):
            raise ValidationError("category codes, each once")


def checked_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the terms with their defaults. Raises `ConventionParametersInvalid` with `fields`."""
    try:
        loaded: dict[str, Any] = ConventionParameters().load(parameters)
    except ValidationError as error:
        raise ConventionParametersInvalid(fields=error.messages) from None
    return loaded
