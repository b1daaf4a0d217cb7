"""`sesame ledger`: verify the invariants, print an account's statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ledger.accounting.commands import COMMANDS as ACCOUNTING
from ledger.auditor.findings import AuditFailed
from ledger.checkpoints import log_key, sign_checkpoint
from ledger.export import export_ledger
from ledger.period_commands import archive_command, close_command
from ledger.proofs import consistency_between
from ledger.sealing import seal
from ledger.statements.commands import statement_command
from ledger.verify import Verification, verify
from sesame.platform.command import print_answer, process
from sesame.platform.scheme import current_scheme
from sesame.platform.seal import SigningKey

_ARCHIVES = click.option(
    "--archive", "archives", multiple=True, type=click.Path(exists=True, path_type=Path),
    help="A kept export that holds what was detached from the book; may be repeated.",
)  # fmt: skip


@click.group()
def ledger() -> None:
    """The books: check them, read them."""


for _command in (statement_command, close_command, archive_command, *ACCOUNTING):
    ledger.add_command(_command)


@ledger.command("verify")
@_ARCHIVES
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_command(archives: tuple[Path, ...], as_json: bool) -> None:
    """Check every invariant on every row, and the seal; exit 1 if one is broken.

    Example: sesame ledger verify
    """
    with _whole_archives(), process().database.sessions() as session:
        found = verify(session, archives)
    print_answer(
        {
            "holds": found.holds,
            "transfers": found.transfers,
            "accounts": found.accounts,
            "findings": [
                {"invariant": each.invariant, "broken": each.broken, "examples": each.examples}
                for each in found.findings
            ],
        },
        as_json=as_json,
        text=_as_text(found),
    )
    if not found.holds:
        raise SystemExit(1)


def _as_text(found: Verification) -> str:
    lines = [f"{found.transfers} transfers, {found.accounts} accounts"]
    for each in found.findings:
        mark = "ok " if each.broken == 0 else f"BROKEN by {each.broken}: {', '.join(each.examples)}"
        lines.append(f"  {mark} {each.invariant}")
    return "\n".join(lines)


@ledger.command("export")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The folder to make.")
@click.option(
    "--checkpoint", "checkpoint_file", required=True, type=click.Path(path_type=Path),
    help="Where to write the signed checkpoint: keep it away from here.",
)  # fmt: skip
@_ARCHIVES
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def export_command(
    out: Path, checkpoint_file: Path, archives: tuple[Path, ...], as_json: bool
) -> None:
    """Seal what is new, sign it, and write everything sealed for an auditor (sesame-verify).

    Example: sesame ledger export --out export-2026 --checkpoint checkpoint-2026.txt
    """
    here = process()
    seal(here.database, at=here.clock.now())
    checkpoint = sign_checkpoint(here.database, here.settings, at=here.clock.now())
    with _whole_archives():
        done = export_ledger(
            here.database,
            checkpoint,
            _key(),
            out=out,
            checkpoint_file=checkpoint_file,
            archives=archives,
        )
    lines = [f"{done.size} transfers in {done.folder}, checkpoint in {checkpoint_file}"]
    if done.missing:
        lines.append(f"{done.missing} sealed transfers are gone from the book: see sesame-verify")
    print_answer(
        {"folder": str(done.folder), "size": done.size, "missing": done.missing},
        as_json=as_json,
        text="\n".join(lines),
    )


@ledger.command("checkpoint")
@click.option("--key", "show_key", is_flag=True, help="Print the public key instead, to publish.")
@click.option(
    "--since",
    type=click.IntRange(min=1),
    metavar="SIZE",
    help="Also print the proof that the log begins with its first SIZE transfers.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def checkpoint_command(show_key: bool, since: int | None, as_json: bool) -> None:
    """Seal what is new, sign it, and print the checkpoint; or print the key that checks them.

    Example: sesame ledger checkpoint > checkpoint.txt
    """
    if show_key:
        vkey = _key().verifying.text
        print_answer({"key": vkey}, as_json=as_json, text=vkey)
        return
    here = process()
    seal(here.database, at=here.clock.now())
    kept = sign_checkpoint(here.database, here.settings, at=here.clock.now())
    proof = []
    if since is not None:
        with here.database.sessions() as session:
            proof = [step.hex() for step in consistency_between(session, since, kept.size)]
    print_answer(
        {
            "size": kept.size,
            "note": kept.note,
            "recorded_at": kept.recorded_at.isoformat(),
            "consistency": proof,
        },
        as_json=as_json,
        text="\n".join([kept.note.removesuffix("\n"), *proof]),
    )


@contextmanager
def _whole_archives() -> Iterator[None]:
    """Say which archive isn't whole, as `sesame-verify` would, and end in failure."""
    try:
        yield
    except AuditFailed as failure:
        raise click.ClickException(f"{failure.code}: {failure.message}") from None


def _key() -> SigningKey:
    here = process()
    with here.database.sessions() as session:
        return log_key(here.settings, current_scheme(session))
