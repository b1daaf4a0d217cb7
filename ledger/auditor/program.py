"""`sesame-verify` says whether an export is what was sealed, and whether the book in it is sound."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ledger.auditor.audit import Audited, audit
from ledger.auditor.export_folder import KEY, ExportFolder
from ledger.auditor.findings import EXIT_CODES, AuditFailed
from sesame.platform.seal import (
    Checkpoint,
    CheckpointKeyWrong,
    CheckpointMalformed,
    VerifyingKey,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    open_checkpoint,
    read_verifying_key,
)

_EXAMPLE = """example:
  sesame-verify export-2026 checkpoint-2026.txt --key vkey-kept-since-2025 --old checkpoint-2025.txt

It ends with 0 when everything is as it was sealed, else with the code of what it found:
  """ + "\n  ".join(f"{number:>2} {code}" for code, number in EXIT_CODES.items())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program; exits with one of `EXIT_CODES`, or 0."""
    asked = _parser().parse_args(arguments)
    try:
        answer, text = _verify(asked)
    except AuditFailed as failure:
        told = {"verified": False, "code": failure.code, "message": failure.message}
        told |= {"transfers": list(failure.transfers)}
        _print(told if asked.as_json else f"{failure.code}: {failure.message}")
        sys.exit(failure.exit_code)
    _print(answer if asked.as_json else text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sesame-verify",
        description="Check an export of the ledger against a checkpoint that you kept.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="the export")
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a checkpoint's file")
    parser.add_argument(
        "--key", type=Path, metavar="FILE",
        help="the public key as you got it another way; by default the export's own",
    )  # fmt: skip
    parser.add_argument(
        "--old", type=Path, action="append", default=[], metavar="CHECKPOINT",
        help="an older checkpoint that you kept; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--proof", metavar="TRANSFER_ID", help="also prove that this transfer is in it"
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="print JSON")
    return parser


def _verify(asked: argparse.Namespace) -> tuple[dict[str, Any], str]:
    folder = ExportFolder(asked.directory)
    folder.manifest  # noqa: B018  an export that was cut is told before anything else
    key = _key(folder, asked.key)
    checkpoint = _checkpoint(asked.checkpoint, key)
    older = [_checkpoint(path, key) for path in asked.old]
    wanted = [asked.proof] if asked.proof else []
    audited = audit(folder, [checkpoint, *older], wanted)
    answer: dict[str, Any] = {
        "verified": True,
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "transfers": audited.transfers,
        "consistency": [_consistency(audited, each, checkpoint) for each in older],
    }
    text = [
        f"verified: {checkpoint.size} transfers of {checkpoint.origin} are as they were sealed",
        f"  root {checkpoint.root.hex()}",
        *(f"  begins with the checkpoint of {each.size} transfers" for each in older),
    ]
    if asked.key is None:
        text.append("  by the export's own key: compare it with the one you were given (--key)")
    if asked.proof:
        answer["proof"] = proof = _inclusion(audited, asked.proof, checkpoint)
        text.append(f"  {asked.proof} is leaf {proof['index']}:")
        text += [f"    {step}" for step in proof["path"]]
    return answer, "\n".join(text)


def _inclusion(audited: Audited, transfer: str, checkpoint: Checkpoint) -> dict[str, Any]:
    index = audited.places.get(transfer.encode())
    if index is None or index >= checkpoint.size:
        raise AuditFailed("transfer_unknown", f"{transfer} isn't below this checkpoint")
    path = inclusion_proof(index, checkpoint.size, audited.tile)
    line = next(each for leaf, each in enumerate(audited.folder.lines()) if leaf == index)
    check_inclusion(leaf_hash(line), index, checkpoint.size, path, checkpoint.root)
    return {"index": index, "leaf": line.decode(), "path": [step.hex() for step in path]}


def _consistency(audited: Audited, older: Checkpoint, newer: Checkpoint) -> dict[str, Any]:
    first, last = sorted((older, newer), key=lambda each: each.size)
    path = []
    if first.size:
        path = consistency_proof(first.size, last.size, audited.tile)
        check_consistency(first.size, first.root, last.size, last.root, path)
    return {"from": first.size, "to": last.size, "path": [step.hex() for step in path]}


def _key(folder: ExportFolder, kept: Path | None) -> VerifyingKey:
    try:
        return read_verifying_key(_text(kept) if kept else folder.read(KEY))
    except CheckpointMalformed as failure:
        raise AuditFailed("checkpoint_wrong_key", f"no key to check with: {failure}") from None


def _checkpoint(path: Path, key: VerifyingKey) -> Checkpoint:
    try:
        return open_checkpoint(_text(path), key)
    except CheckpointMalformed as failure:
        raise AuditFailed("checkpoint_malformed", f"{path}: {failure}") from None
    except CheckpointKeyWrong as failure:
        raise AuditFailed("checkpoint_wrong_key", f"{path}: {failure}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        reason = f"{path} can't be read: {type(failure).__name__}"
        raise AuditFailed("checkpoint_malformed", reason) from None


def _print(answer: dict[str, Any] | str) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    sys.stdout.write(f"{text}\n")
