"""Errors about jobs: classes of the one tree, which `clipper_sls.errors` describes."""

from clipper_sls.errors import ModelError, NotServedError


class UnknownJobError(NotServedError):
    """There is no such job, or it was too long ago."""

    code = "unknown_job"


class JobExpiredError(ModelError):
    """Nobody came to a job by its expiry."""

    code = "job_expired"


class JobFailedError(ModelError):
    """A job was given up; the message says why."""

    code = "job_failed"
