"""An installation on a server that somebody else runs: TCP, passwords, `deploy/roles.sql`."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from sesame.platform.database.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parents[4]
PASSWORD = "un mot/de passe@à part"
QUOTED = "un%20mot%2Fde%20passe%40%C3%A0%20part"


@dataclass(frozen=True)
class OutsideServer:
    """A cluster that listens on loopback and asks for passwords."""

    cluster: EmbeddedServer
    port: int

    def url(self, user: str, password: str = QUOTED) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/sesame"


@pytest.fixture(params=[18, 16])
def outside(request) -> Iterator[OutsideServer]:
    """A server with the roles of deploy/roles.sql, applied twice, and a password for each user."""
    folder = Path(tempfile.mkdtemp(prefix="sesame-outside-"))
    folder.chmod(0o755)
    cluster = EmbeddedServer(folder / "postgres", version=request.param, durable=False)
    cluster.start()
    cluster.stop()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (cluster.data / "postgresql.auto.conf").open("a") as configuration:
        configuration.write(f"listen_addresses = '127.0.0.1'\nport = {port}\n")
    (cluster.data / "pg_hba.conf").write_text(
        "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    )
    cluster.start()
    as_superuser = f"{cluster.url('postgres', 'postgres')}&port={port}"
    for _ in range(2):
        subprocess.run(
            [cluster.program("psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--file",
             ROOT / "deploy" / "roles.sql", as_superuser],
            check=True,
        )  # fmt: skip
    with psycopg.connect(as_superuser) as connection:
        for user in ("sesame_init", "sesame_web", "sesame_report"):
            connection.execute(f"ALTER ROLE {user} PASSWORD '{PASSWORD}'")
    yield OutsideServer(cluster, port)
    cluster.stop("immediate")
    shutil.rmtree(folder)


def sesame(data: Path, outside: OutsideServer, *arguments: str, **more: str):
    environment = {
        **os.environ,
        "SESAME_DATA_DIR": str(data),
        "SESAME_DATABASE_URL": outside.url("sesame_web"),
        "SESAME_DATABASE_OWNER_URL": outside.url("sesame_init"),
        "LC_ALL": "C.UTF-8",
        **more,
    }
    return subprocess.run(
        [sys.executable, "-m", "sesame", *arguments],
        check=False, env=environment, capture_output=True, text=True, timeout=90,
    )  # fmt: skip


def test_an_installation_is_made_there_and_its_roles_keep_to_their_own(outside, tmp_path):
    made = sesame(tmp_path, outside, "init", "--name", "Région Exemple", "--issuer", "FR-EX")
    assert made.returncode == 0, made.stderr
    assert not (tmp_path / "postgres").exists()
    listed = sesame(tmp_path, outside, "staff", "list", "--json")
    assert (listed.returncode, listed.stdout) == (0, "[]\n")
    with psycopg.connect(outside.url("sesame_init")) as owner:
        owners = owner.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('platform', 'ledger')"
        ).fetchall()
        assert owners == [("sesame_owner",)]
    with psycopg.connect(outside.url("sesame_web"), autocommit=True) as application:
        assert application.execute("SELECT name FROM platform.scheme").fetchone() == (
            "Région Exemple",
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("CREATE TABLE platform.smuggled (id int)")
    with psycopg.connect(outside.url("sesame_report"), autocommit=True) as reader:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("DELETE FROM platform.scheme")
    kept = sesame(tmp_path, outside, "backup", str(tmp_path / "kept.tar"))
    assert kept.returncode == 0, kept.stderr


@pytest.mark.parametrize("outside", [18], indirect=True)
def test_a_wrong_password_is_a_sentence_that_does_not_repeat_it(outside, tmp_path):
    refused = sesame(
        tmp_path, outside, "staff", "list",
        SESAME_DATABASE_URL=outside.url("sesame_web", "marqueur-secret"),
    )  # fmt: skip
    assert refused.returncode == 1
    assert "can't be reached" in refused.stderr
    assert "marqueur" not in refused.stderr
    assert "Traceback" not in refused.stderr
