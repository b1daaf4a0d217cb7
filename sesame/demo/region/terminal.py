"""A shop's terminal, as docs/credential.md (section 7) describes it: it signs its requests.

HTTP Message Signatures (RFC 9421) in the one profile of that page, written from it alone.
"""

import base64
import hashlib
from datetime import datetime
from uuid import UUID

from .p256 import P256Key


class Terminal:
    """A simulated terminal: its key, and its id once it is enrolled."""

    def __init__(self, key: P256Key, terminal_id: UUID | None = None) -> None:
        self._key = key
        self.terminal_id = terminal_id

    @classmethod
    def new(cls) -> "Terminal":
        """Return a terminal with a new key, not enrolled yet."""
        return cls(P256Key.generate())

    @classmethod
    def from_pem(cls, pem: bytes, terminal_id: UUID) -> "Terminal":
        """Return the enrolled terminal whose key `to_pem` wrote."""
        return cls(P256Key.from_pem(pem), terminal_id)

    def to_pem(self) -> bytes:
        """Return the private key as PEM, to keep between two runs of the demonstration."""
        return self._key.to_pem()

    def jwk(self) -> dict[str, str]:
        """Return the public key to enrol."""
        return self._key.jwk()

    def headers(
        self,
        method: str,
        path: str,
        *,
        at: datetime,
        body: bytes = b"",
        idempotency_key: str | None = None,
    ) -> dict[str, str]:
        """Return the headers that sign a request: digest, key if any, signature.

        `path` has no query string and `body` is the exact bytes to send. Raises ValueError before
        the terminal is enrolled, for a query string, or for a moment without a zone.
        """
        if self.terminal_id is None:
            raise ValueError("the terminal isn't enrolled")
        if "?" in path:
            raise ValueError("a signed request has no query string")
        if at.tzinfo is None:
            raise ValueError("a moment needs its zone")
        headers: dict[str, str] = {}
        covered = [("@method", method), ("@path", path)]
        if body:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
            headers["Content-Digest"] = f"sha-256=:{digest}:"
            covered.append(("content-digest", headers["Content-Digest"]))
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
            covered.append(("idempotency-key", idempotency_key))
        names = " ".join(f'"{name}"' for name, _ in covered)
        parameters = (
            f"({names});created={int(at.timestamp())}"
            f';keyid="{self.terminal_id}";alg="ecdsa-p256-sha256"'
        )
        lines = [f'"{name}": {value}' for name, value in covered]
        lines.append(f'"@signature-params": {parameters}')
        signature = base64.b64encode(self._key.sign("\n".join(lines).encode())).decode("ascii")
        headers["Signature-Input"] = f"sesame={parameters}"
        headers["Signature"] = f"sesame=:{signature}:"
        return headers
