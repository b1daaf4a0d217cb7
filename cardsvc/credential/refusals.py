"""Why a credential or a key is not accepted: stable codes, never a sentence, never the bytes."""

from enum import StrEnum


class RefusalCode(StrEnum):
    """Every answer that `verify_presentation` can give other than yes. Codes never change."""

    QR_MALFORMED = "qr_malformed"
    QR_TOO_LONG = "qr_too_long"
    ISSUER_UNKNOWN = "issuer_unknown"
    ISSUER_KEY_UNKNOWN = "issuer_key_unknown"
    TOKEN_SIGNATURE_INVALID = "token_signature_invalid"  # noqa: S105 (a code)
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 (a code)
    TOKEN_NOT_YET_VALID = "token_not_yet_valid"  # noqa: S105 (a code)
    PROOF_SIGNATURE_INVALID = "proof_signature_invalid"
    PROOF_EXPIRED = "proof_expired"
    PROOF_FROM_FUTURE = "proof_from_future"


class CredentialRefused(Exception):
    """A QR text, token or proof that is not accepted; `code` says why."""

    def __init__(self, code: RefusalCode) -> None:
        super().__init__(code.value)
        self.code = code


class KeyRefused(ValueError):
    """A key handed to us that we cannot use; `code` says why and the key is never repeated.

    Codes: `key_malformed`, `key_wrong_curve`, `key_is_private`, `key_id_mismatch`,
    `key_password_wrong`, `issuer_id_malformed`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
