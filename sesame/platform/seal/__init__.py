"""Sealing what is only ever appended: a Merkle log, its tiles, its proofs, and signed checkpoints.

Pure: it knows no database and no ledger, and imports the standard library and cryptography only.
"""

from sesame.platform.seal.checkpoint import (
    Checkpoint,
    CheckpointKeyWrong,
    CheckpointMalformed,
    SigningKey,
    VerifyingKey,
    new_signing_key,
    open_checkpoint,
    read_checkpoint,
    read_signing_key,
    read_verifying_key,
)
from sesame.platform.seal.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    TILE,
    Frontier,
    ProofInvalid,
    TilesIncomplete,
    check_consistency,
    check_inclusion,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    leaf_hash,
    root_of,
)

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "TILE",
    "Checkpoint",
    "CheckpointKeyWrong",
    "CheckpointMalformed",
    "Frontier",
    "ProofInvalid",
    "SigningKey",
    "TilesIncomplete",
    "VerifyingKey",
    "check_consistency",
    "check_inclusion",
    "consistency_proof",
    "frontier_of",
    "inclusion_proof",
    "leaf_hash",
    "new_signing_key",
    "open_checkpoint",
    "read_checkpoint",
    "read_signing_key",
    "read_verifying_key",
    "root_of",
]
