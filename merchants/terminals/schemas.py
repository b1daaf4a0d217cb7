"""What terminals send and get."""

from marshmallow import INCLUDE, RAISE, Schema, validate
from marshmallow.fields import UUID, AwareDateTime, Boolean, Int, List, Nested, Str

from cardsvc.cards.schemas import IssuerOut
from merchants.terminals.model import KINDS


class PublicJwkIn(Schema):
    """A P-256 public key (RFC 7517). Other members that WebCrypto adds are ignored."""

    class Meta:
        """WebCrypto exports `key_ops` and `ext` too."""

        unknown = INCLUDE

    kty = Str(required=True)
    crv = Str(required=True)
    x = Str(required=True)
    y = Str(required=True)


class EnrolIn(Schema):
    """A code and the key that will sign."""

    class Meta:
        """Nothing else is understood."""

        unknown = RAISE

    code = Str(required=True, validate=validate.Length(min=1, max=40))
    public_key = Nested(PublicJwkIn, required=True)
    kind = Str(required=True, validate=validate.OneOf(KINDS))


class NamedOut(Schema):
    """Something by its name."""

    name = Str(required=True)


class EnrolOut(Schema):
    """The terminal, its shop, and whose cards it accepts."""

    terminal_id = UUID(required=True)
    number = Int(required=True)
    site = Nested(NamedOut, required=True)
    merchant = Nested(NamedOut, required=True)
    issuers = List(Nested(IssuerOut), required=True)


class PlaceOut(Schema):
    """A site or a merchant."""

    id = UUID(required=True)
    name = Str(required=True)


class ConventionOut(Schema):
    """Whether the shop may sell, and what."""

    state = Str(required=True)
    categories = List(Str(), required=True)
    accepts_partial = Boolean(required=True)


class OwnStateOut(Schema):
    """What a terminal is told about itself. convention: null when none is in force."""

    terminal_id = UUID(required=True)
    number = Int(required=True)
    state = Str(required=True)
    site = Nested(PlaceOut, required=True)
    merchant = Nested(PlaceOut, required=True)
    convention = Nested(ConventionOut, required=True, allow_none=True)
    server_time = AwareDateTime(required=True)
