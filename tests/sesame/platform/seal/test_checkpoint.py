"""Signed checkpoints: their form to the letter, and who signed them."""

import base64
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sesame.platform.seal import (
    CheckpointKeyWrong,
    CheckpointMalformed,
    new_signing_key,
    open_checkpoint,
    read_checkpoint,
    read_signing_key,
    read_verifying_key,
)

ROOT = bytes(range(32))
# The key pair in the documentation of golang.org/x/mod/sumdb/note.
A_PRIVATE_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
A_PUBLIC_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_a_published_key_pair_is_read_and_written_to_the_letter():
    key = read_signing_key(A_PRIVATE_KEY)
    assert key.text == A_PRIVATE_KEY
    assert key.verifying.text == A_PUBLIC_KEY
    assert read_verifying_key(f"{A_PUBLIC_KEY}\n") == key.verifying


def test_the_signature_is_over_the_three_lines():
    key = read_signing_key(A_PRIVATE_KEY)
    note = key.sign(1_048_576, ROOT)
    text, _, signature_line = note.rpartition("\n\n")
    assert text.split("\n") == ["PeterNeumann", "1048576", base64.b64encode(ROOT).decode()]
    dash, name, encoded = signature_line.removesuffix("\n").split(" ")
    assert (dash, name) == ("\N{EM DASH}", "PeterNeumann")
    signature = base64.b64decode(encoded)
    assert signature[:4].hex() == "c74f20a3"
    public = base64.b64decode(A_PUBLIC_KEY.split("+", 2)[2])[1:]
    Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], f"{text}\n".encode())


def test_a_checkpoint_is_opened_by_its_key_and_by_no_other():
    key, other = new_signing_key("region/ledger"), new_signing_key("region/ledger")
    note = key.sign(5, ROOT)
    assert open_checkpoint(note, key.verifying) == read_checkpoint(note)
    assert (read_checkpoint(note).size, read_checkpoint(note).root) == (5, ROOT)
    for stranger in (other, new_signing_key("department/ledger")):
        with pytest.raises(CheckpointKeyWrong):
            open_checkpoint(note, stranger.verifying)


def test_one_changed_character_is_seen():
    key = new_signing_key("region/ledger")
    with pytest.raises(CheckpointKeyWrong):
        open_checkpoint(key.sign(5, ROOT).replace("\n5\n", "\n6\n"), key.verifying)


def test_a_witness_may_sign_below():
    key, witness = new_signing_key("region/ledger"), new_signing_key("witness")
    note = key.sign(5, ROOT)
    cosigned = note + witness.sign(5, ROOT).rpartition("\n\n")[2]
    assert open_checkpoint(cosigned, key.verifying).size == 5


ENCODED = base64.b64encode(ROOT).decode()
SIGNED = "\n\N{EM DASH} region/ledger " + base64.b64encode(bytes(68)).decode() + "\n"


@pytest.mark.parametrize(
    "note",
    [
        "",
        "region/ledger\n5\n",
        f"region/ledger\n5\n{ENCODED}\n",
        f"region/ledger\n05\n{ENCODED}\n{SIGNED}",
        f"region/ledger\n-5\n{ENCODED}\n{SIGNED}",
        f"region ledger\n5\n{ENCODED}\n{SIGNED}",
        f"region/ledger\n5\nAAAA\n{SIGNED}",
        f"region/ledger\n5\n{ENCODED[:-1]}!\n{SIGNED}",
        f"region/ledger\n5\n{ENCODED}\n{SIGNED[:-1]}",
        f"region/ledger\n5\n{ENCODED}\n{SIGNED.replace(chr(0x2014), '-')}",
        f"region/ledger\n5\n{ENCODED}\n\n\n",
    ],
)
def test_what_isnt_a_checkpoint_is_refused(note):
    with pytest.raises(CheckpointMalformed):
        read_checkpoint(note)


@pytest.mark.parametrize(
    "text",
    ["", "name", A_PUBLIC_KEY[:-4], A_PUBLIC_KEY.replace("c74f", "c74e"), "a b+c74f20a3+AQ=="],
)
def test_what_isnt_a_key_is_refused(text):
    with pytest.raises(CheckpointMalformed):
        read_verifying_key(text)
    with pytest.raises(CheckpointMalformed):
        read_signing_key(f"PRIVATE+KEY+{text}")
    with pytest.raises(CheckpointMalformed):
        read_signing_key(text)


def test_a_name_with_a_space_is_no_key_name():
    with pytest.raises(CheckpointMalformed):
        new_signing_key("two words")


def test_the_seal_imports_the_standard_library_and_cryptography_only():
    script = (
        "import sys; before = set(sys.modules); import sesame.platform.seal\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], check=True, capture_output=True, text=True
    )
    ours = {"sesame", "cryptography", "_cffi_backend", "_openssl"}
    assert {*done.stdout.split()} - set(sys.stdlib_module_names) <= ours
