"""The Celery application: one task that runs a job's row; and the sweeper, a thread of the worker.

By default the broker is the same PostgreSQL (kombu's pgmq transport, in the schema `pgmq`), so a
small installation needs no other server; Redis or RabbitMQ by SESAME_BROKER_URL.
"""

import threading
from uuid import UUID

from celery import Celery
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sesame.platform.clock import Clock
from sesame.platform.database.connection import Database, database_url
from sesame.platform.jobs.queue import announce_with
from sesame.platform.jobs.work import run_job, sweep
from sesame.platform.log import logger
from sesame.platform.settings import Settings

QUEUE = "sesame"
RUN_JOB = "sesame.run_job"
SWEEP_EVERY_SECONDS = 10.0
# Jobs are short; a message not acknowledged for this long belonged to a worker that died.
VISIBILITY_SECONDS = 300
# A request that has just committed waits this long at most for a broker that doesn't answer.
BROKER_PATIENCE_SECONDS = 1


def make_celery(settings: Settings) -> Celery:
    """Return the Celery application for these settings, with no task bound to a database yet."""
    if settings.broker_url is None:
        broker = "pgmq://"
        options: dict[str, object] = {
            "conn_string": address_for_pgmq(database_url(settings)),
            "init_extension": False,
            "wait_time_seconds": 0,
            "polling_interval": 0.05,
            "visibility_timeout": VISIBILITY_SECONDS,
            "pool_size": 4,
            "pool_timeout": BROKER_PATIENCE_SECONDS,
        }
    else:
        broker = settings.broker_url
        options = {
            "visibility_timeout": VISIBILITY_SECONDS,
            # Redis gives a dead worker's tasks back within seconds only if it looks that often.
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": BROKER_PATIENCE_SECONDS,
            "socket_timeout": BROKER_PATIENCE_SECONDS,
        }
    # Whoever announces a job doesn't try twice: the sweeper will.
    options |= {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    celery = Celery("sesame", broker=broker, set_as_current=False)
    celery.conf.update(
        broker_transport_options=options,
        broker_connection_retry_on_startup=True,
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_timeout=BROKER_PATIENCE_SECONDS,
        timezone="UTC",
    )
    return celery


def address_for_pgmq(url: str) -> str:
    """Return the address `url` in the form that pgmq's client reads whole.

    Of a postgresql:// address it forgets the query, so the socket's folder and `sslmode`. Of libpq's
    form it keeps five fields, puts a password where there is none, and writes them into another
    address without quoting them. So each value comes quoted once more than it seems to need, and the
    last field carries everything else.
    """
    given = {
        name: make_conninfo(**{name: str(value)}).partition("=")[2]
        for name, value in conninfo_to_dict(url).items()
    }
    fields = {
        "host": given.pop("host", "''"),
        "port": given.pop("port", "5432"),
        "dbname": given.pop("dbname", "''"),
        "user": given.pop("user", "''"),
        "password": given.pop("password", "''"),
    }
    fields["password"] += "".join(f" {name}={value}" for name, value in given.items())
    return make_conninfo(**fields)


def announce_through(celery: Celery) -> None:
    """Have committed jobs announced by this Celery application."""

    def send(job_id: UUID) -> None:
        celery.send_task(RUN_JOB, args=[str(job_id)], queue=QUEUE, retry=False)

    announce_with(send)


def bind_tasks(celery: Celery, database: Database, clock: Clock) -> None:
    """Register the one task of a worker: run a job."""

    @celery.task(name=RUN_JOB)
    def run(job_id: str) -> None:
        try:
            run_job(database, clock, UUID(job_id))
        except Exception as failure:  # the row is as it was: the sweeper announces it again
            logger().error("job_not_run", job_id=job_id, error=type(failure).__name__)


def start_sweeper(
    database: Database, clock: Clock, every_seconds: float = SWEEP_EVERY_SECONDS
) -> threading.Thread:
    """Start sweeping now and then in a thread of this process, and return it.

    Not Celery's beat: it would be a child process that outlives a killed worker, and it needs a file
    that two workers would fight over.
    """
    never = threading.Event()

    def run() -> None:
        while True:
            try:
                sweep(database, clock)
            except Exception as failure:  # the database is away: it is asked again next time
                logger().error("sweep_failed", error=type(failure).__name__)
            never.wait(every_seconds)

    thread = threading.Thread(target=run, name="sweeper", daemon=True)
    thread.start()
    return thread
