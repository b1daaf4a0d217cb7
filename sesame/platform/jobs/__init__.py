"""What takes time: the truth of a job is its row; a broker only wakes the worker up."""

from sesame.platform.jobs.queue import enqueue, enqueue_once, job, registered_jobs
from sesame.platform.jobs.work import run_job, sweep

__all__ = ["enqueue", "enqueue_once", "job", "registered_jobs", "run_job", "sweep"]
