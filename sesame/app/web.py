"""The web application of this installation."""

from flask import Flask

from sesame.app.rooms import registry
from sesame.platform.command import Process, process
from sesame.platform.jobs.celery_app import announce_through, make_celery
from sesame.platform.log import set_up_logs
from sesame.platform.web import Shell, create_shell


def create_app(of: Process | None = None) -> Flask:
    """Return the Flask application; of this process's installation unless told otherwise."""
    of = of or process(serving=True)
    set_up_logs(of.settings.log_level)
    announce_through(make_celery(of.settings))
    return create_shell(Shell(of.settings, of.database, of.clock), registry())
