"""What the simulated phone shows, judged by the product's verifier and by the page's example."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cardsvc.credential.keys import IssuerKey, IssuerKeys, public_key_from_jwk
from cardsvc.credential.refusals import CredentialRefused
from cardsvc.credential.token import issue_token
from cardsvc.credential.verify import verify_presentation
from sesame.demo.region.phone import Phone

AT = datetime(2026, 11, 3, 16, 0, tzinfo=UTC)
ISSUER = IssuerKey.generate("FR-00")
TOKEN_ID = bytes(range(16))
PAGE_TOKEN = bytes.fromhex(
    "d2844da201260448436b88e8672a3d81a0585ba6016546522d3834041a6a972ec0061a6a96860007500001020304"
    "05060708090a0b0c0d0e0f08a101a4010220012158208d755f8eac6583925f3344de9e6d7501fca6b9023f44d947"
    "2e41b2452bd2569d22f53a000100001930395840795239da9201c1f272aeacb2e79752baa09f3099cbf9029aa0e9"
    "f71cad3d97c7c54ec55d51c1351d6be6a1b93003b6857dae3dce0dfe1ba36d70e3fa45d5600a"
)
PAGE_ISSUERS = IssuerKeys.from_published(
    [
        {
            "issuer": "FR-84",
            "keys": [
                {
                    "kid": "436b88e8672a3d81",
                    "jwk": {
                        "kty": "EC",
                        "crv": "P-256",
                        "x": "bYIKyNDPh0-4SHgaHdLf63mMQNTfYSeN3tdjipUN-SA",
                        "y": "Qml_BwPms_SO4R5kvwrbamxpTNRwJGfnyJVPmEnd3JM",
                    },
                }
            ],
        }
    ]
)


def token_for(phone: Phone) -> bytes:
    return issue_token(
        ISSUER,
        token_id=TOKEN_ID,
        holder_public_key=public_key_from_jwk(phone.jwk()),
        status_index=7,
        issued_at=AT - timedelta(hours=1),
        expires_at=AT + timedelta(hours=11),
    )


def issuers() -> IssuerKeys:
    return IssuerKeys.from_published(
        [
            {
                "issuer": "FR-00",
                "keys": [
                    {
                        "kid": ISSUER.key_id.hex(),
                        "jwk": Phone.from_pem(ISSUER.to_pem()).jwk(),
                    }
                ],
            }
        ]
    )


def test_the_product_accepts_what_the_phone_shows() -> None:
    phone = Phone.new()
    text = phone.qr_text(token_for(phone), AT)
    verified = verify_presentation(text, issuers(), AT + timedelta(seconds=5))
    assert verified.claims.token_id == TOKEN_ID
    assert len(text) <= 530


def test_two_codes_of_one_second_differ_by_their_nonce() -> None:
    phone = Phone.new()
    token = token_for(phone)
    assert phone.qr_text(token, AT) != phone.qr_text(token, AT)


def test_another_phone_cannot_show_the_token() -> None:
    token = token_for(Phone.new())
    with pytest.raises(CredentialRefused) as refusal:
        verify_presentation(Phone.new().qr_text(token, AT), issuers(), AT)
    assert refusal.value.code == "proof_signature_invalid"


def test_an_old_code_is_refused_and_a_new_one_of_the_same_phone_accepted() -> None:
    phone = Phone.new()
    token = token_for(phone)
    later = AT + timedelta(minutes=5)
    with pytest.raises(CredentialRefused) as refusal:
        verify_presentation(phone.qr_text(token, AT), issuers(), later)
    assert refusal.value.code == "proof_expired"
    assert verify_presentation(phone.qr_text(token, later), issuers(), later)


def test_the_pages_own_example_is_accepted_from_the_pages_key() -> None:
    pem = ec.derive_private_key(0x5E5A3E02, ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    phone = Phone.from_pem(pem)
    assert phone.jwk() == {
        "kty": "EC",
        "crv": "P-256",
        "x": "jXVfjqxlg5JfM0Tenm11AfymuQI_RNlHLkGyRSvSVp0",
        "y": "5dXNx5Px43NKBB_E2q-SkXIee8kbs5SYU-tDO6xRbG0",
    }
    made = datetime(2026, 9, 1, 8, 1, tzinfo=UTC)
    text = phone.qr_text(PAGE_TOKEN, made, bytes.fromhex("a0a1a2a3a4a5a6a7"))
    verified = verify_presentation(text, PAGE_ISSUERS, made + timedelta(seconds=5))
    assert verified.claims.status_index == 12345
    assert verified.proof.nonce == bytes.fromhex("a0a1a2a3a4a5a6a7")
    # All but the signature, which is random, is the page's text: it ends what comes before it.
    assert text.startswith("SES1:CPGO9BRRQT 9O60GO0ON8%DH+1D+Y78CKHQB.702+8BW5-P6CF325J")


def test_a_kept_key_is_the_same_phone() -> None:
    phone = Phone.new()
    assert Phone.from_pem(phone.to_pem()).jwk() == phone.jwk()


def test_a_key_of_another_curve_is_refused() -> None:
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(ValueError):
        Phone.from_pem(pem)


@pytest.mark.parametrize(("at", "nonce"), [(AT, b"short"), (AT.replace(tzinfo=None), bytes(8))])
def test_a_wrong_nonce_or_a_moment_without_zone_is_refused(at: datetime, nonce: bytes) -> None:
    phone = Phone.new()
    with pytest.raises(ValueError):
        phone.qr_text(token_for(phone), at, nonce)


def test_a_key_shows_nothing_of_itself_in_a_log() -> None:
    phone = Phone.new()
    assert phone.jwk()["x"] not in repr(phone._key)
    assert str(phone._key) == "P256Key(…)"
