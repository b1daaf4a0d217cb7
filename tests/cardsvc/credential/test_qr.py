"""The text of a QR has one spelling."""

import base45
import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cardsvc.credential.qr import (
    MAX_QR_CHARACTERS,
    QR_PREFIX,
    decode_presentation,
    encode_presentation,
)
from cardsvc.credential.refusals import CredentialRefused

QR_ALPHANUMERIC = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


def as_text(raw: bytes) -> str:
    return QR_PREFIX + base45.b45encode(raw).decode()


@given(st.binary(max_size=255), st.binary(max_size=89))
def test_a_presentation_is_cbor_in_base45_and_is_read_back(token: bytes, proof: bytes) -> None:
    text = encode_presentation(token, proof)

    assert cbor2.loads(base45.b45decode(text.removeprefix("SES1:"))) == [1, token, proof]
    assert set(text) <= QR_ALPHANUMERIC
    read = decode_presentation(text)
    assert (read.token, read.proof) == (token, proof)


@given(st.one_of(st.text(), st.text(alphabet=sorted(QR_ALPHANUMERIC)).map(QR_PREFIX.__add__)))
@example(QR_PREFIX)
@example(QR_PREFIX + "0")
@example(QR_PREFIX + "::")
@example(QR_PREFIX + ":::")
@example(QR_PREFIX + "é")
def test_any_text_is_either_read_to_the_same_text_or_refused(text: str) -> None:
    try:
        read = decode_presentation(text)
    except CredentialRefused as refusal:
        assert refusal.code in {"qr_malformed", "qr_too_long"}
    else:
        assert encode_presentation(read.token, read.proof) == text


@given(st.binary(max_size=340))
def test_any_bytes_are_read_as_a_canonical_decoder_reads_them_or_refused(raw: bytes) -> None:
    try:
        read = decode_presentation(as_text(raw))
    except CredentialRefused as refusal:
        assert refusal.code == "qr_malformed"
    else:
        assert cbor2.dumps([1, read.token, read.proof], canonical=True) == raw


@given(st.text(alphabet=sorted(QR_ALPHANUMERIC), max_size=60))
def test_base45_is_accepted_exactly_when_the_public_decoder_accepts_it(body: str) -> None:
    from cardsvc.credential.qr import _decode_base45

    try:
        expected: bytes | None = base45.b45decode(body)
    except ValueError:
        expected = None
    try:
        decoded: bytes | None = _decode_base45(body.encode())
    except CredentialRefused:
        decoded = None
    assert decoded == expected


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(cbor2.dumps([1, b"t", b"p"]) + b"\x00", id="a byte follows"),
        pytest.param(cbor2.dumps([2, b"t", b"p"]), id="another format number"),
        pytest.param(cbor2.dumps([1, b"t"]), id="no proof"),
        pytest.param(cbor2.dumps([1, b"t", b"p", b"x"]), id="one item more"),
        pytest.param(cbor2.dumps([1, "t", b"p"]), id="text instead of bytes"),
        pytest.param(b"\x83\x01\x58\x01t\x41p", id="a length spelt too long"),
        pytest.param(b"\x83\x01\x59\x00\x01t\x41p", id="a length spelt far too long"),
        pytest.param(b"\x83\x01\x5f\x41t\xff\x41p", id="an indefinite length"),
        pytest.param(b"\x9f\x01\x41t\x41p\xff", id="an indefinite array"),
        pytest.param(b"\x83\x01\x5b\xff\xff\xff\xff\xff\xff\xff\xffq", id="a huge length"),
        pytest.param(b"\x83\x01\x5a\x7f\xff\xff\xffq", id="a length beyond the end"),
        pytest.param(b"\xd9\xd9\xf7" + cbor2.dumps([1, b"t", b"p"]), id="a tag in front"),
        pytest.param(b"\x81" * 300, id="deep nesting"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_another_spelling_is_refused(raw: bytes) -> None:
    with pytest.raises(CredentialRefused) as refusal:
        decode_presentation(as_text(raw))
    assert refusal.value.code == "qr_malformed"


@pytest.mark.parametrize(
    "change", [str.lower, lambda t: t + "\n", lambda t: " " + t, lambda t: t[1:]]
)
def test_the_text_is_taken_as_it_is(change: object) -> None:
    text = encode_presentation(b"token", b"proof")
    with pytest.raises(CredentialRefused) as refusal:
        decode_presentation(change(text))  # type: ignore[operator]
    assert refusal.value.code == "qr_malformed"


def test_a_text_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(CredentialRefused) as refusal:
        decode_presentation("SES1:" + "0" * MAX_QR_CHARACTERS)
    assert refusal.value.code == "qr_too_long"


def test_nothing_is_encoded_that_could_not_be_read_back() -> None:
    with pytest.raises(ValueError, match="longer"):
        encode_presentation(b"t" * 300, b"p" * 89)
