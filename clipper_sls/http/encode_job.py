"""A job as the body of an answer. What became of it stands beside its state, as a prediction's answer has it."""

import msgspec

from clipper_sls.domain.jobs.job import Done, Expired, Failed, Job, JobRecord, JobState
from clipper_sls.http.encode import encode_batch, encode_error, encode_single
from clipper_sls.job_errors import JobExpiredError

EXPIRED_TEXT = "Nobody came to the job before its expiry; the models may be too slow for all that is asked, or away"


class _JobBody(msgspec.Struct, omit_defaults=True):
    job_id: str
    status: JobState
    application: str
    submitted_at: float
    expires_at: float
    finished_at: float | None = None


_encode = msgspec.json.Encoder().encode


def encode_job(record: JobRecord) -> bytes:
    """One JSON object."""
    job = record.job
    body = _JobBody(job.id, record.state, str(job.application), job.submitted_at, job.expires_at, record.finished_at)
    outcome = _outcome(record)
    return _encode(body) if outcome is None else b"%b,%b" % (_encode(body)[:-1], outcome[1:])


def encode_predictions(job: Job, done: Done) -> bytes:
    """The answer that a prediction would have had."""
    return encode_batch(done.predictions) if job.is_batch else encode_single(done.predictions[0])


def _outcome(record: JobRecord) -> bytes | None:
    match record.outcome:
        case None:
            return None
        case Done() as done:
            return encode_predictions(record.job, done)
        case Expired():
            return encode_error("Job expired", EXPIRED_TEXT, JobExpiredError.code)
        case Failed(code, reason):
            return encode_error("Job failed", reason, code)
