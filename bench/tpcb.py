"""The reference: PostgreSQL's own TPC-B-like transaction, on the same server, in the same run."""

import re

import psycopg

from sesame.platform.database.embedded import EmbeddedServer

DATABASE = "tpcb"
SCALE = 50


def prepare_tpcb(server: EmbeddedServer) -> None:
    """Make and fill pgbench's tables in a database beside ours."""
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    _pgbench(server, "--initialize", f"--scale={SCALE}", "--quiet")


def tpcb_per_second(server: EmbeddedServer, clients: int, seconds: int) -> float:
    """Return transactions per second of the built-in script, prepared, connecting left out."""
    printed = _pgbench(
        server,
        *("--client", str(clients), "--jobs", "2", "--time", str(seconds)),
        *("--protocol", "prepared", "--no-vacuum"),
    )
    found = re.search(r"^tps = ([0-9.]+) \(without initial", printed, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pgbench printed no figure:\n{printed}")
    return float(found[1])


def _pgbench(server: EmbeddedServer, *arguments: str) -> str:
    where = ("--host", str(server.socket_dir), "--username", "postgres", DATABASE)
    return server.run_program("pgbench", *arguments, *where)
