"""`sesame backup` and `sesame restore`: the database, the keys and the files, in one archive.

The archive is a tar file whose last member is a manifest of all others with their SHA-256: one that
was cut anywhere, or changed, is refused before anything is written.
"""

import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import click
import psycopg

from sesame.platform.database.connection import OWNER_ROLE, database_url, embedded_server
from sesame.platform.database.embedded import packaged_program
from sesame.platform.problems import Reason, SesameError, declare
from sesame.platform.settings import Settings, load_settings

DUMP = "database.dump"
MANIFEST = "manifest.json"


class RestoreOntoData(SesameError):
    """The installation to restore into isn't empty."""

    reason = declare(
        Reason(
            "restore_onto_data",
            409,
            "Cette installation contient déjà des données : restaurez dans un dossier vide.",
        )
    )


class BackupUnreadable(SesameError):
    """The archive isn't a backup of Sésame, or was cut."""

    reason = declare(
        Reason("backup_unreadable", 422, "Ce fichier n'est pas une sauvegarde complète de Sésame.")
    )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Write a backup to FILE (mode 0600): it holds private keys and personal data.

    Example: sesame backup /srv/backup/sesame-2026-11-24.tar
    """
    settings = load_settings()
    if file.exists():
        raise click.BadParameter(f"{file} exists already: it is left as it is")
    with tempfile.TemporaryDirectory(prefix="sesame-backup-") as folder:
        dump = Path(folder) / DUMP
        # Before the keys and files, so that every row finds the file that it speaks of.
        _run("pg_dump", "--format=custom", f"--file={dump}", _address(settings))
        file.touch(mode=0o600, exist_ok=False)
        try:
            _pack(file, dump, settings)
        except BaseException:
            file.unlink()
            raise
    click.echo(f"{file}: {file.stat().st_size} bytes")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def restore(file: Path) -> None:
    """Restore a backup into an empty installation.

    Example: SESAME_DATA_DIR=/srv/sesame sesame restore /srv/backup/sesame-2026-11-24.tar
    """
    settings = load_settings()
    if settings.keys_dir.exists() or settings.files_dir.exists():
        raise RestoreOntoData()
    with tempfile.TemporaryDirectory(prefix="sesame-restore-") as folder:
        _unpack(file, Path(folder))
        address = _empty_database(settings)
        _run(
            "pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={address}",
            str(Path(folder) / DUMP),
        )  # fmt: skip
        for name in (settings.keys_dir.name, settings.files_dir.name):
            if (Path(folder) / name).exists():
                _copy(Path(folder) / name, settings.data_dir / name)
    click.echo(f"restored into {settings.data_dir}")


def _pack(file: Path, dump: Path, settings: Settings) -> None:
    members = {DUMP: dump}
    for part in (settings.keys_dir, settings.files_dir):
        for each in sorted(part.rglob("*")) if part.exists() else ():
            if each.is_file():
                members[str(Path(part.name) / each.relative_to(part))] = each
    with tarfile.open(file, "w") as archive:
        sums: dict[str, str] = {}
        for name, path in members.items():
            archive.add(path, name, recursive=False)
            sums[name] = _sha256(path)
        manifest = json.dumps({"sha256": sums}).encode()
        last = tarfile.TarInfo(MANIFEST)
        last.size = len(manifest)
        archive.addfile(last, io.BytesIO(manifest))


def _unpack(file: Path, folder: Path) -> None:
    """Unpack `file` into `folder`. Raises `BackupUnreadable` unless all of it is there, unchanged."""
    try:
        with tarfile.open(file) as archive:
            archive.extractall(folder, filter="data")
        sums = json.loads((folder / MANIFEST).read_bytes())["sha256"]
        whole = DUMP in sums and all(_sha256(folder / name) == sums[name] for name in sums)
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError):
        raise BackupUnreadable() from None
    if not whole:
        raise BackupUnreadable()


def _empty_database(settings: Settings) -> str:
    """Return the address of a database without a house in it; made where it is the embedded one.

    Raises `RestoreOntoData`.
    """
    if settings.database_url is None:
        from sesame.migrations.run import prepare_server  # noqa: PLC0415  slow, for this alone

        server = embedded_server(settings)
        server.start()
        prepare_server(server.url("postgres", "postgres"))
    address = _address(settings)
    with psycopg.connect(address) as connection:
        filled = connection.execute("SELECT to_regnamespace('platform') IS NOT NULL").fetchone()
    if filled and filled[0]:
        raise RestoreOntoData()
    return address


def _copy(source: Path, target: Path) -> None:
    """Copy a folder of secrets or documents: for this user alone, as the archive's umask is not ours."""
    target.mkdir(mode=0o700, parents=True)
    for each in sorted(source.iterdir()):
        if each.is_dir():
            _copy(each, target / each.name)
        else:
            copied = target / each.name
            copied.touch(mode=0o600)
            copied.write_bytes(each.read_bytes())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _address(settings: Settings) -> str:
    """Return the address of a role that may read and make everything."""
    if settings.database_url is None:
        database_url(settings)
        return embedded_server(settings).url("postgres")
    return database_url(settings, OWNER_ROLE)


def _run(name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs. What it says is shown without the rows it may quote."""
    done = subprocess.run(
        [str(packaged_program(name)), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if "error" in line]
        raise click.ClickException(f"{name} failed: {' '.join(said[:1])}")
