"""A job, what may become of it, and which of two results counts. Moments are seconds since 1970, UTC."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NewType

from msgspec import Struct

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.query import Prediction

JobId = NewType("JobId", str)
"""32 hex digits of chance: who knows one may read the job, so nobody may guess one."""

JOB_ID_BYTES = 16
_JOB_ID = re.compile(rf"[0-9a-f]{{{2 * JOB_ID_BYTES}}}")


def job_id(chance: bytes) -> JobId:
    """A new identity from `JOB_ID_BYTES` bytes that nobody can guess."""
    return JobId(chance.hex())


def is_job_id(text: str) -> bool:
    return _JOB_ID.fullmatch(text) is not None


class JobState(StrEnum):
    QUEUED = "queued"
    DONE = "done"
    EXPIRED = "expired"
    FAILED = "failed"


class Job(Struct, frozen=True):
    """What was asked, apart from the rows themselves."""

    id: JobId
    application: AppName
    is_batch: bool  # it came as `input_batch`, whatever its length
    row_count: int
    submitted_at: float
    expires_at: float  # who takes it up later does not ask a model any more
    forget_at: float  # until something becomes of it


class Done(Struct, frozen=True, tag="done"):
    """Every row has its answer, the default output included."""

    predictions: Sequence[Prediction]


class Expired(Struct, frozen=True, tag="expired"):
    """Nobody came to it by its expiry."""


class Failed(Struct, frozen=True, tag="failed"):
    """It was given up; its message is among the dead letters, if it ever can be done. `code` is that of an error."""

    code: str
    reason: str


Outcome = Done | Expired | Failed


class JobRecord(Struct, frozen=True):
    """A job and what became of it, so far."""

    job: Job
    outcome: Outcome | None = None
    finished_at: float | None = None

    @property
    def state(self) -> JobState:
        match self.outcome:
            case None:
                return JobState.QUEUED
            case Done():
                return JobState.DONE
            case Expired():
                return JobState.EXPIRED
            case Failed():
                return JobState.FAILED

    @property
    def is_final(self) -> bool:
        return self.outcome is not None and not isinstance(self.outcome, Failed)


def counts(outcome: Outcome, so_far: Outcome | None) -> bool:
    """Whether `outcome` is to be kept: the first result is, and later ones are dropped.

    Messages are delivered at least once, so results may come twice. A failure is no result: a message that comes back
    from the dead letters replaces it.
    """
    return so_far is None or (isinstance(so_far, Failed) and not isinstance(outcome, Failed))
