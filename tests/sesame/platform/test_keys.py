"""Secrets on disk: whole or not there, never replaced, whoever is killed and whoever comes second."""

import signal
import subprocess
import sys
import threading

import pytest

from sesame.platform.keys import keys_folder, secret_bytes, write_secret
from sesame.platform.settings import Settings

# A first start that dies at the moment that `step` of the os module is asked for.
KILLED = """
import os, signal, sys
from pathlib import Path
from sesame.platform import keys
from sesame.platform.settings import Settings

def die(*_arguments, **_options):
    os.kill(os.getpid(), signal.SIGKILL)

keys.keys_folder(Settings(data_dir=Path(sys.argv[1])))
setattr(os, sys.argv[2], die)
keys.secret_bytes(Settings(data_dir=Path(sys.argv[1])), "web")
"""


@pytest.fixture
def installation(tmp_path) -> Settings:
    """An installation whose secrets nobody has made yet."""
    return Settings(data_dir=tmp_path / "house")


@pytest.mark.parametrize("step", ["fdopen", "fsync", "link", "unlink"])
def test_a_process_killed_while_it_makes_a_secret_leaves_the_next_one_a_whole_one(
    installation, step
):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(installation.data_dir), step], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    made = secret_bytes(installation, "web")
    assert len(made) == 32
    assert secret_bytes(installation, "web") == made


def test_all_who_start_at_once_get_the_same_secret(installation):
    keys_folder(installation)
    for number in range(60):
        start, got = threading.Barrier(8), []

        def first_start(name=f"secret{number}", start=start, got=got):
            start.wait()
            try:
                got.append(secret_bytes(installation, name))
            except ValueError as failure:
                got.append(failure)

        threads = [threading.Thread(target=first_start) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert {type(each) for each in got} == {bytes}
        assert len(set(got)) == 1
    left = [each.name for each in installation.keys_dir.iterdir() if each.suffix != ".secret"]
    assert left == []


def test_a_secret_is_never_replaced_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "issuer.pem"
    write_secret(path, b"first")
    with pytest.raises(FileExistsError):
        write_secret(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_of_the_wrong_length_is_said_and_left_alone(installation):
    write_secret(keys_folder(installation) / "web.secret", b"")
    with pytest.raises(ValueError, match="restore it from a backup"):
        secret_bytes(installation, "web")
