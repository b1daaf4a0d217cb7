"""A checkpoint: the size and root of a log, signed (C2SP tlog-checkpoint in a signed-note, Ed25519).

    region-val-d-ambre/ledger        whose log it is: the origin
    1048576                          leaves
    nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=

    — region-val-d-ambre/ledger az3grlgt…      the key's name, its first bytes and the signature

The key's public form is `name+hash+base64`, as signed-note's "vkey". Anybody can check one with the
public key alone; other witnesses may add lines with signatures of theirs below.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sesame.platform.seal.merkle import HASH_BYTES

_ED25519 = b"\x01"
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_PRIVATE = "PRIVATE+KEY+"


class CheckpointMalformed(ValueError):
    """The text isn't a checkpoint, or a key isn't in the form of one."""


class CheckpointKeyWrong(ValueError):
    """The checkpoint isn't signed by this key."""


@dataclass(frozen=True)
class Checkpoint:
    """What is signed: the log's origin, how many leaves it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that the signatures are over."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True)
class VerifyingKey:
    """The public key of a log, with its name."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        """The four bytes by which a signature says whose it is."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """The key as it is published."""
        encoded = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.key_hash.hex()}+{encoded}"


@dataclass(frozen=True)
class SigningKey:
    """The private key of a log, with its name, which is the log's origin."""

    name: str
    seed: bytes

    @property
    def verifying(self) -> VerifyingKey:
        """The public key."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return VerifyingKey(self.name, private.public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        """The key as it is kept: a secret."""
        encoded = base64.b64encode(_ED25519 + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifying.key_hash.hex()}+{encoded}"

    def sign(self, size: int, root: bytes) -> str:
        """Return the signed checkpoint of this log at `size` leaves."""
        text = Checkpoint(self.name, size, root).text
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        line = base64.b64encode(self.verifying.key_hash + signature).decode()
        return f"{text}\n— {self.name} {line}\n"


def new_signing_key(name: str) -> SigningKey:
    """Return a new key for the log `name`. Raises `CheckpointMalformed` for a name of no such form."""
    if not _NAME.fullmatch(name):
        raise CheckpointMalformed("a key's name holds neither spaces nor +")
    return SigningKey(name, Ed25519PrivateKey.generate().private_bytes_raw())


def read_signing_key(text: str) -> SigningKey:
    """Return the private key that `text` holds. Raises `CheckpointMalformed`."""
    if not text.startswith(_PRIVATE):
        raise CheckpointMalformed("not a private key")
    name, key_hash, seed = _read_key(text.removeprefix(_PRIVATE))
    key = SigningKey(name, seed)
    if key.verifying.key_hash.hex() != key_hash:
        raise CheckpointMalformed("the private key isn't the one of its own hash")
    return key


def read_verifying_key(text: str) -> VerifyingKey:
    """Return the public key that `text` holds. Raises `CheckpointMalformed`."""
    name, key_hash, public = _read_key(text)
    key = VerifyingKey(name, public)
    if key.key_hash.hex() != key_hash:
        raise CheckpointMalformed("the key isn't the one of its own hash")
    return key


def _read_key(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.strip().partition("+")
    key_hash, _, encoded = rest.partition("+")
    content = _base64(encoded)
    if not _NAME.fullmatch(name) or len(content) != 33 or content[:1] != _ED25519:
        raise CheckpointMalformed("not an Ed25519 key of a log")
    return name, key_hash, content[1:]


def read_checkpoint(note: str) -> Checkpoint:
    """Return what a checkpoint says, whoever signed it. Raises `CheckpointMalformed`."""
    return _parse(note)[0]


def open_checkpoint(note: str, key: VerifyingKey) -> Checkpoint:
    """Return what a checkpoint says once the key's signature on it is checked.

    Raises `CheckpointMalformed`, `CheckpointKeyWrong`.
    """
    checkpoint, text, signatures = _parse(note)
    if checkpoint.origin != key.name:
        raise CheckpointKeyWrong(f"the checkpoint is of {checkpoint.origin}, the key of {key.name}")
    ours = [
        signature[4:]
        for name, signature in signatures
        if name == key.name and signature[:4] == key.key_hash
    ]
    if not ours:
        raise CheckpointKeyWrong("this key hasn't signed the checkpoint")
    public = Ed25519PublicKey.from_public_bytes(key.public)
    try:
        for signature in ours:
            public.verify(signature, text.encode())
    except InvalidSignature:
        raise CheckpointKeyWrong("the signature isn't of this text by this key") from None
    return checkpoint


def _parse(note: str) -> tuple[Checkpoint, str, list[tuple[str, bytes]]]:
    text, blank, below = note.rpartition("\n\n")
    text += "\n"
    lines = text.split("\n")
    if not blank or len(lines) < 4 or not below.endswith("\n"):
        raise CheckpointMalformed("a checkpoint has three lines, an empty one and signatures")
    origin, size, root = lines[:3]
    if not _NAME.fullmatch(origin) or not _SIZE.fullmatch(size):
        raise CheckpointMalformed("a checkpoint begins with its origin and its size")
    decoded = _base64(root)
    if len(decoded) != HASH_BYTES or "" in lines[3:-1]:
        raise CheckpointMalformed("a checkpoint's third line is a root of 32 bytes")
    signatures = []
    for line in below.splitlines():
        found = _SIGNATURE_LINE.fullmatch(line)
        if not found:
            raise CheckpointMalformed("a line below isn't a signature")
        signatures.append((found[1], _base64(found[2])))
    if not signatures:
        raise CheckpointMalformed("nobody signed it")
    return Checkpoint(origin, int(size), decoded), text, signatures


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointMalformed("not base64") from None
