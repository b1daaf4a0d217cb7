"""Writes small files that only the agent's user may read, whole or not at all."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Replace a file by new content, mode 0600, on disk before it returns.

    A crash at any moment leaves the old file or the new one.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    # Created with its mode, so that the content is at no moment readable by others.
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


# Windows would turn line feeds into pairs; elsewhere the flag does not exist.
_BINARY: int = getattr(os, "O_BINARY", 0)
