"""The background worker of this installation: Celery, with the rooms' jobs."""

from celery import Celery

from sesame.app.rooms import registry
from sesame.platform.command import Process
from sesame.platform.jobs.celery_app import announce_through, bind_tasks, make_celery
from sesame.platform.log import set_up_logs


def make_worker(of: Process) -> Celery:
    """Return the Celery application with its tasks bound to this installation."""
    set_up_logs(of.settings.log_level)
    registry()
    celery = make_celery(of.settings)
    announce_through(celery)
    bind_tasks(celery, of.database, of.clock)
    return celery
