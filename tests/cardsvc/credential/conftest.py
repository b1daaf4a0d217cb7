"""One issuer, one phone, one instant."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cardsvc.credential.keys import IssuerKey, IssuerKeys
from cardsvc.credential.proof import make_proof
from cardsvc.credential.qr import encode_presentation
from cardsvc.credential.token import issue_token

NONCE = bytes.fromhex("a0a1a2a3a4a5a6a7")


@dataclass(frozen=True)
class Phone:
    """A holder's key and the token issued for it."""

    private_key: ec.EllipticCurvePrivateKey
    token: bytes

    def proof(self, at: datetime, nonce: bytes = NONCE) -> bytes:
        return make_proof(self.private_key, self.token, at, nonce)

    def qr(self, at: datetime, nonce: bytes = NONCE) -> str:
        return encode_presentation(self.token, self.proof(at, nonce))


@pytest.fixture
def at() -> datetime:
    return datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def issuer_key() -> IssuerKey:
    return IssuerKey.generate("FR-84")


@pytest.fixture
def issuers(issuer_key: IssuerKey) -> IssuerKeys:
    return IssuerKeys({"FR-84": [issuer_key.public_key]})


@pytest.fixture
def new_phone(issuer_key: IssuerKey, at: datetime) -> Callable[..., Phone]:
    """Make a phone with a new key and a token good for ten minutes from `at`."""

    def make(
        issuer: IssuerKey = issuer_key,
        token_id: bytes = bytes(range(16)),
        status_index: int = 12345,
        issued_at: datetime = at,
        expires_at: datetime = at + timedelta(minutes=10),
    ) -> Phone:
        private_key = ec.generate_private_key(ec.SECP256R1())
        token = issue_token(
            issuer,
            token_id=token_id,
            holder_public_key=private_key.public_key(),
            status_index=status_index,
            issued_at=issued_at,
            expires_at=expires_at,
        )
        return Phone(private_key, token)

    return make


@pytest.fixture
def phone(new_phone: Callable[..., Phone]) -> Phone:
    return new_phone()
