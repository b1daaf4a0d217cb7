"""`sesame serve`, `worker` and `demo`: running it."""

import os
import signal
import sys
from pathlib import Path

import click

from sesame.platform.command import process
from sesame.platform.scheme import current_scheme


@click.command()
@click.option("--host", default=None, help="Default: SESAME_BIND's.")
@click.option("--port", type=int, default=None, help="Default: SESAME_BIND's.")
def serve(host: str | None, port: int | None) -> None:
    """Serve the web pages and the API.

    Example: sesame serve --port 8080
    """
    here = process()
    bound_host, _, bound_port = here.settings.bind.rpartition(":")
    from sesame.app.web_server import arguments_of  # noqa: PLC0415  only this command serves

    # The server forks its own workers from a fresh program: none inherits our connections.
    here.database.dispose()
    arguments = arguments_of(
        host or bound_host,
        port or int(bound_port),
        here.settings.web_processes,
        here.settings.web_threads,
    )
    os.execv(sys.executable, arguments)  # noqa: S606  the server takes this process's place


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="How many jobs at once.",
)
@click.option(
    "--sweep-every",
    type=click.FloatRange(0.1, 3600),
    default=10,
    show_default=True,
    help="Seconds between two looks for lost jobs.",
)
def worker(concurrency: int, sweep_every: float) -> None:
    """Run the background jobs, the sweeper that finds lost ones, and the ledger's seal.

    Example: sesame worker --concurrency 8
    """
    # Slow to import, and only this command needs them.
    from ledger.sealer import start_sealer  # noqa: PLC0415
    from sesame.app.worker import make_worker  # noqa: PLC0415
    from sesame.platform.jobs.celery_app import start_sweeper  # noqa: PLC0415

    here = process()
    with here.database.sessions() as session:
        current_scheme(session)  # before it is made there is nothing to wait for
    celery = make_worker(here)
    start_sweeper(here.database, here.clock, sweep_every)
    start_sealer(here.database, here.settings, here.clock)
    # Threads: a killed idle child of the forking pool can wedge a worker with this broker.
    celery.worker_main(
        [
            "worker", "--pool", "threads", "--concurrency", str(concurrency),
            "--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat",
            "--queues", "sesame",
        ]
    )  # fmt: skip


@click.command()
@click.option("--once", is_flag=True, help="Run the journey once, reconcile it, and leave.")
@click.option(
    "--port",
    type=click.IntRange(1024, 65535),
    default=8080,
    show_default=True,
    help="The web server's port, on loopback.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=None,
    help="A folder of official public files to use instead of the invented region.",
)
@click.option("--reset", is_flag=True, help="Forget the demonstration's data and start over.")
def demo(once: bool, port: int, data: Path | None, reset: bool) -> None:
    """Run an invented region, filled with a month of purchases; Ctrl-C stops everything.

    Example: sesame demo --port 8080
    """
    from sesame.demo.run import run_demo, run_once  # noqa: PLC0415  only this command needs it

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if once:
        sys.exit(run_once(port=port, data=data))
    run_demo(port=port, data=data, reset=reset)
