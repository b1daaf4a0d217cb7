"""The issuer's token, judged by the cwt library and by cbor2."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import cbor2
import cwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from cardsvc.credential.keys import IssuerKey, IssuerKeys
from cardsvc.credential.refusals import CredentialRefused, KeyRefused
from cardsvc.credential.token import issue_token, read_token_id, verify_token

ISSUER = IssuerKey.generate("FR-84")
HOLDER = ec.generate_private_key(ec.SECP256R1())
NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


def issue(**changes: object) -> bytes:
    arguments: dict[str, object] = {
        "token_id": bytes(range(16)),
        "holder_public_key": HOLDER.public_key(),
        "status_index": 7,
        "issued_at": NOON,
        "expires_at": NOON + timedelta(hours=1),
    }
    return issue_token(ISSUER, **(arguments | changes))  # type: ignore[arg-type]


def resigned(change: Callable[[dict[int, object]], None]) -> bytes:
    """A token whose claims were changed and which the issuer's own key signed again."""
    message = cbor2.loads(issue())
    claims = cbor2.loads(message.value[2])
    change(claims)
    protected, payload = message.value[0], cbor2.dumps(claims)
    signature = ISSUER.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    return cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))


def refused_code(token: bytes, issuers: IssuerKeys, at: datetime) -> str:
    with pytest.raises(CredentialRefused) as refusal:
        verify_token(token, issuers, at)
    return refusal.value.code


@pytest.fixture
def trusted() -> IssuerKeys:
    return IssuerKeys({"FR-84": [ISSUER.public_key]})


@given(
    token_id=st.binary(min_size=16, max_size=16),
    status_index=st.integers(0, 2**32 - 1),
    issued_at=st.datetimes(datetime(1970, 1, 2), datetime(2105, 1, 1), timezones=st.just(UTC)),
    lifetime=st.integers(1, 10**7),
    issuer=st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,15}", fullmatch=True),
)
def test_claims_come_back_as_they_were_given(
    token_id: bytes, status_index: int, issued_at: datetime, lifetime: int, issuer: str
) -> None:
    key = IssuerKey.generate(issuer)
    issued_at = issued_at.replace(microsecond=0)
    token = issue_token(
        key,
        token_id=token_id,
        holder_public_key=HOLDER.public_key(),
        status_index=status_index,
        issued_at=issued_at,
        expires_at=issued_at + timedelta(seconds=lifetime),
    )

    claims = verify_token(token, IssuerKeys({issuer: [key.public_key]}), issued_at)

    assert claims.issuer == issuer
    assert claims.key_id == key.key_id
    assert claims.token_id == token_id == read_token_id(token)
    assert claims.holder_public_key == HOLDER.public_key()
    assert claims.status_index == status_index
    assert claims.issued_at == issued_at
    assert claims.expires_at == issued_at + timedelta(seconds=lifetime)
    # What our cursor accepted is the canonical form of what a general decoder reads.
    message = cbor2.loads(token)
    assert cbor2.dumps(message, canonical=True) == token
    payload = cbor2.loads(message.value[2])
    assert cbor2.dumps(payload, canonical=True) == message.value[2]
    assert len(token) <= 255


def test_the_cwt_library_verifies_a_token_and_reads_the_same_claims() -> None:
    # That library's clock is the machine's, so this token is issued now.
    now = datetime.now(UTC).replace(microsecond=0)
    token = issue(issued_at=now, expires_at=now + timedelta(hours=1))
    pem = ISSUER.public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    key = cwt.COSEKey.from_pem(pem.decode(), alg="ES256", kid=ISSUER.key_id)
    claims = cwt.decode(token, key)

    numbers = HOLDER.public_key().public_numbers()
    assert claims == {
        1: "FR-84",
        4: int(now.timestamp()) + 3600,
        6: int(now.timestamp()),
        7: bytes(range(16)),
        8: {1: {1: 2, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y % 2 == 1}},
        -65537: 7,
    }


def test_a_token_is_refused_from_its_expiry_on(trusted: IssuerKeys) -> None:
    token = issue()
    end = NOON + timedelta(hours=1)
    assert verify_token(token, trusted, end - timedelta(microseconds=1)).expires_at == end
    assert refused_code(token, trusted, end) == "token_expired"


def test_a_token_is_refused_before_its_issue_but_for_ten_seconds(trusted: IssuerKeys) -> None:
    token = issue()
    assert verify_token(token, trusted, NOON - timedelta(seconds=10)).issued_at == NOON
    early = NOON - timedelta(seconds=10, microseconds=1)
    assert refused_code(token, trusted, early) == "token_not_yet_valid"


def test_an_unknown_issuer_and_an_unknown_key_are_told_apart() -> None:
    token = issue()
    other = IssuerKey.generate("FR-84").public_key
    assert refused_code(token, IssuerKeys({"FR-93": [other]}), NOON) == "issuer_unknown"
    assert refused_code(token, IssuerKeys({"FR-84": [other]}), NOON) == "issuer_key_unknown"
    elsewhere = IssuerKeys({"FR-84": [other], "FR-93": [ISSUER.public_key]})
    assert refused_code(token, elsewhere, NOON) == "issuer_key_unknown"


def test_a_key_of_one_issuer_does_not_sign_for_another() -> None:
    token = issue_token(
        IssuerKey.of("FR-93", ISSUER._private_key),
        token_id=bytes(16),
        holder_public_key=HOLDER.public_key(),
        status_index=0,
        issued_at=NOON,
        expires_at=NOON + timedelta(hours=1),
    )
    trusted = IssuerKeys(
        {"FR-84": [ISSUER.public_key], "FR-93": [IssuerKey.generate("FR-93").public_key]}
    )
    assert refused_code(token, trusted, NOON) == "issuer_key_unknown"


def test_both_keys_of_a_rotating_issuer_are_accepted() -> None:
    newer = IssuerKey.generate("FR-84")
    both = IssuerKeys({"FR-84": [ISSUER.public_key, newer.public_key]})
    assert verify_token(issue(), both, NOON).key_id == ISSUER.key_id


def test_claims_changed_after_signing_are_refused(trusted: IssuerKeys) -> None:
    token = issue()
    changed = token.replace(bytes(range(16)), bytes(range(1, 17)))
    assert changed != token
    assert refused_code(changed, trusted, NOON) == "token_signature_invalid"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c: c.update({99: 1}), id="a claim more"),
        pytest.param(lambda c: c.pop(7), id="no token id"),
        pytest.param(lambda c: c.update({7: bytes(15)}), id="a short token id"),
        pytest.param(lambda c: c.update({7: "0123456789abcdef"}), id="a token id of text"),
        pytest.param(lambda c: c.update({1: "fr-84"}), id="an issuer in small letters"),
        pytest.param(lambda c: c.update({1: "FR-É4"}), id="an issuer that is not ASCII"),
        pytest.param(lambda c: c.update({1: "F" * 17}), id="an issuer too long"),
        pytest.param(lambda c: c.update({4: c[6]}), id="an expiry at the issue"),
        pytest.param(lambda c: c.update({4: 2**32}), id="an expiry of 33 bits"),
        pytest.param(lambda c: c.update({4: 1.5e9}), id="an expiry with a fraction"),
        pytest.param(lambda c: c.update({6: -1}), id="an issue before 1970"),
        pytest.param(lambda c: c[8][1].update({-3: bytes(32)}), id="y in full"),
        pytest.param(lambda c: c[8][1].update({-1: 2}), id="another curve"),
        pytest.param(lambda c: c[8][1].update({-2: b"\xff" * 32}), id="a point off the curve"),
        pytest.param(lambda c: c[8][1].update({-4: bytes(32)}), id="a private key"),
        pytest.param(lambda c: c.update({-65537: -1}), id="a negative status index"),
        pytest.param(lambda c: c.update({-65537: 2**32}), id="a status index of 33 bits"),
    ],
)
def test_another_shape_is_refused_even_when_the_issuer_signed_it(
    change: Callable[[dict[int, object]], None], trusted: IssuerKeys
) -> None:
    assert refused_code(resigned(change), trusted, NOON) == "qr_malformed"


def test_a_token_signed_again_unchanged_is_accepted(trusted: IssuerKeys) -> None:
    # Shows that the refusals above come from the change and not from how the test signs.
    assert verify_token(resigned(lambda claims: None), trusted, NOON).status_index == 7


@pytest.mark.parametrize(
    "changes",
    [
        {"token_id": bytes(15)},
        {"status_index": -1},
        {"status_index": 2**32},
        {"expires_at": NOON},
        {"issued_at": NOON.replace(tzinfo=None)},
        {"expires_at": datetime(2107, 1, 1, tzinfo=UTC)},
        {"issued_at": datetime(1969, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_token_that_no_verifier_would_accept_is_not_issued(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"a token|a status|a time"):
        issue(**changes)


def test_a_holder_key_on_another_curve_is_refused() -> None:
    with pytest.raises(KeyRefused) as refusal:
        issue(holder_public_key=ec.generate_private_key(ec.SECP384R1()).public_key())
    assert refusal.value.code == "key_wrong_curve"


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_as_a_token(raw: bytes) -> None:
    for read in (read_token_id, lambda t: verify_token(t, IssuerKeys(), NOON)):
        with pytest.raises(CredentialRefused) as refusal:
            read(raw)
        assert refusal.value.code == "qr_malformed"
