"""Private keys and secrets of this installation: files under the data folder, apart, mode 0700."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from sesame.platform.settings import Settings


def keys_folder(settings: Settings) -> Path:
    """Return the folder of keys, made with mode 0700 if it is missing."""
    folder = settings.keys_dir
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sync_folder(folder.parent)
    folder.chmod(0o700)
    return folder


def write_secret(path: Path, content: bytes) -> None:
    """Write `content` to a new file of mode 0600. Raises FileExistsError: a key is never replaced.

    The file appears under its name with all its content or not at all, whoever else writes it at the
    same moment and whenever this process is killed: it is written beside, then linked. What a killed
    process leaves beside is never read.
    """
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    finally:
        Path(beside).unlink()
    _sync_folder(path.parent)


def secret_bytes(settings: Settings, name: str, length: int = 32) -> bytes:
    """Return the installation's secret `name`, made at random the first time."""
    path = keys_folder(settings) / f"{name}.secret"
    if not path.exists():
        with suppress(FileExistsError):
            write_secret(path, secrets.token_bytes(length))
    content = path.read_bytes()
    if len(content) != length:
        raise ValueError(
            f"{path} holds {len(content)} bytes, not {length}: restore it from a backup"
        )
    return content


def web_secret(settings: Settings) -> bytes:
    """Return the secret that signs the cookies of this installation."""
    return secret_bytes(settings, "web")


def _sync_folder(folder: Path) -> None:
    """Have the folder's names on disk: a file's own fsync doesn't keep its name."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
