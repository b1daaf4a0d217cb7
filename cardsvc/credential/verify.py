"""One question, one answer: may this QR be believed now, and if not, why not.

A good signature is not the last word. Whether the same proof was shown before, whether the card
is still active and whether its status is revoked are the caller's to check: they need memory that
outlives a call. Keep a proof by (token id, time, nonce), never by its bytes: an ECDSA signature
has a second valid spelling that anybody can compute.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from .keys import IssuerKeys
from .proof import Proof, ProofWindow, verify_proof
from .qr import decode_presentation
from .refusals import CredentialRefused, RefusalCode
from .token import TokenClaims, check_token_dates, read_signed_token

__all__ = [
    "CredentialRefused",
    "RefusalCode",
    "TokenMemory",
    "VerifiedPresentation",
    "verify_presentation",
]


@dataclass(frozen=True, slots=True)
class VerifiedPresentation:
    """A presentation whose token and proof are both genuine and timely."""

    claims: TokenClaims
    proof: Proof


class TokenMemory:
    """Tokens whose signature was verified before, so that it need not be verified again.

    Bounded: the least recently seen goes first. May be shared by threads. It remembers which
    issuer key verified a token and forgets the token once that key is no longer accepted.
    """

    def __init__(self, capacity: int = 4096) -> None:
        if capacity < 1:
            raise ValueError("a memory holds at least one token")
        self._capacity = capacity
        self._known: OrderedDict[bytes, tuple[TokenClaims, ec.EllipticCurvePublicKey]] = (
            OrderedDict()
        )
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._known)

    def recall(self, token: bytes, issuers: IssuerKeys) -> TokenClaims | None:
        """Give the claims of a token seen before, if its issuer's key is still accepted."""
        digest = hashlib.sha256(token).digest()
        with self._lock:
            known = self._known.get(digest)
            if known is None:
                return None
            claims, issuer_key = known
            if issuers.public_key(claims.issuer, claims.key_id) != issuer_key:
                del self._known[digest]
                return None
            self._known.move_to_end(digest)
            return claims

    def remember(self, token: bytes, claims: TokenClaims, issuers: IssuerKeys) -> None:
        """Keep the claims of a token that `read_signed_token` just accepted from `issuers`."""
        issuer_key = issuers.public_key(claims.issuer, claims.key_id)
        if issuer_key is None:
            return
        with self._lock:
            self._known[hashlib.sha256(token).digest()] = (claims, issuer_key)
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)


def verify_presentation(
    text: str,
    issuers: IssuerKeys,
    at: datetime,
    memory: TokenMemory | None = None,
    window: ProofWindow | None = None,
) -> VerifiedPresentation:
    """Verify the text of a QR at an instant.

    :param at: aware.
    :param memory: spares the issuer's signature check for a token seen before; dates and the
        holder's proof are checked every time.
    :raises CredentialRefused: with the first of the `RefusalCode`s that applies.
    """
    presentation = decode_presentation(text)
    token = presentation.token
    claims = memory.recall(token, issuers) if memory is not None else None
    if claims is None:
        claims = read_signed_token(token, issuers)
        if memory is not None:
            memory.remember(token, claims, issuers)
    check_token_dates(claims, at)
    proof = verify_proof(presentation.proof, token, claims, at, window)
    return VerifiedPresentation(claims=claims, proof=proof)
