"""The shapes of a purchase on the API."""

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from sesame.platform.money import MAX_CENTS

MAX_LINES = 50
# Patterns end in "$(?!\n)", which means "here is the end" to Python and to ECMA-262 alike: the API's
# document carries them to clients written in other languages, where \Z is a letter.


class StrictSchema(Schema):
    """A field that nobody declared is an error, not something to ignore."""

    class Meta:
        unknown = RAISE


class PurchaseLineSchema(StrictSchema):
    """One line of the shop's basket."""

    category = fields.String(
        required=True,
        validate=validate.Regexp(r"^[a-z][a-z0-9_]{1,39}$(?!\n)", error="category_malformed"),
        metadata={"description": "What is bought, such as `books`.", "example": "books"},
    )
    amount_cents = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=1, max=MAX_CENTS, error="amount_out_of_range"),
        metadata={"description": "The line's total in cents, above zero.", "example": 1240},
    )
    quantity = fields.Integer(
        load_default=1,
        strict=True,
        validate=validate.Range(min=1, max=999, error="quantity_out_of_range"),
        metadata={"description": "How many pieces the amount is for."},
    )
    ean = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Regexp(r"^[0-9]{8}([0-9]{5})?$(?!\n)", error="ean_malformed"),
        metadata={"description": "EAN-8, EAN-13 or ISBN-13, digits only."},
    )


class PurchaseRequestSchema(StrictSchema):
    """An authorisation with its capture: pay this basket with this card, now."""

    qr = fields.String(
        required=True,
        validate=validate.Length(min=1, max=4096, error="qr_too_long"),
        metadata={"description": "The text of the QR code that the card shows."},
    )
    lines = fields.List(
        fields.Nested(PurchaseLineSchema),
        required=True,
        validate=validate.Length(min=1, max=MAX_LINES, error="basket_size"),
    )
    currency = fields.String(
        load_default="EUR", validate=validate.OneOf(["EUR"], error="currency_unknown")
    )
    accept_partial = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Whether the till can take the rest in another way."},
    )

    @validates_schema
    def total_is_a_price(self, data: dict[str, object], **_: object) -> None:
        """Refuse a basket whose total is beyond what one sale can be."""
        lines = data.get("lines")
        if isinstance(lines, list) and sum(line["amount_cents"] for line in lines) > MAX_CENTS:
            raise ValidationError("amount_out_of_range", "lines")


class BothLanguagesSchema(Schema):
    """A sentence in French and in English."""

    fr = fields.String(required=True)
    en = fields.String(required=True)


class PurchaseReasonSchema(Schema):
    """Why less than everything was paid."""

    code = fields.String(required=True)
    cashier = fields.Nested(BothLanguagesSchema, required=True)
    holder = fields.Nested(BothLanguagesSchema, required=True)


class DecidedLineSchema(Schema):
    """What a line got."""

    category = fields.String(required=True)
    amount_cents = fields.Integer(required=True)
    approved_cents = fields.Integer(required=True)
    reason = fields.String(required=True, allow_none=True)


class PurchaseAnswerSchema(Schema):
    """The decision, as it was kept; the same for every retry under the same key."""

    purchase_id = fields.UUID(required=True)
    outcome = fields.String(
        required=True, validate=validate.OneOf(["approved", "partial", "refused"])
    )
    currency = fields.String(required=True)
    approved_cents = fields.Integer(required=True)
    remaining_cents = fields.Integer(required=True)
    authorisation = fields.String(required=True, metadata={"example": "7Q4-K2M"})
    lines = fields.List(fields.Nested(DecidedLineSchema), required=True)
    reasons = fields.List(fields.Nested(PurchaseReasonSchema), required=True)
    decided_at = fields.DateTime(required=True)
