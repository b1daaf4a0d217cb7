"""What phones send and get."""

from marshmallow import RAISE, Schema, fields, validate


class PublicKeyIn(Schema):
    """A phone that asks to hold the card: the public half of its key (JWK, RFC 7517)."""

    class Meta:
        """Refuse what isn't described."""

        unknown = RAISE

    public_key = fields.Dict(
        keys=fields.Str(validate=validate.Length(max=20)),
        required=True,
        validate=validate.Length(max=12),
        metadata={"description": "JWK: kty EC, crv P-256, x, y; never d", "example": {}},
    )


class PhoneIn(Schema):
    """A phone of the card that asks for a fresh token."""

    class Meta:
        """Refuse what isn't described."""

        unknown = RAISE

    phone_key_id = fields.UUID(required=True)


class TokenOut(Schema):
    """A token; and the server's time, for a phone whose clock is wrong shows codes nobody accepts."""

    phone_key_id = fields.UUID(required=True)
    token = fields.Str(required=True, metadata={"description": "CWT, base64url without padding"})
    expires_at = fields.AwareDateTime(required=True)
    issuer = fields.Str(required=True, metadata={"example": "FR-84"})
    now = fields.AwareDateTime(required=True)


class CardOut(Schema):
    """The card as screens name it."""

    last_four = fields.Str(required=True)


class PhoneOut(TokenOut):
    """A phone that now holds the card, with its first token."""

    card = fields.Nested(CardOut, required=True)


class ClockOut(Schema):
    """The server's time."""

    now = fields.AwareDateTime(required=True)


class IssuerKeyOut(Schema):
    """One public signing key."""

    kid = fields.Str(required=True, metadata={"description": "16 hex digits (RFC 7638)"})
    jwk = fields.Dict(keys=fields.Str(), values=fields.Str(), required=True)


class IssuerOut(Schema):
    """An issuer with the keys that sign, or signed, its tokens."""

    issuer = fields.Str(required=True)
    keys = fields.List(fields.Nested(IssuerKeyOut), required=True)


class IssuersOut(Schema):
    """The issuers whose tokens this scheme accepts."""

    issuers = fields.List(fields.Nested(IssuerOut), required=True)
