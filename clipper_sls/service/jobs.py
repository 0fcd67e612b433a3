"""Jobs: taking queries in that are answered later, and telling what became of them.

A job is kept before its message is, and its message before anybody is told of it: who has an id will get an answer. A
process that dies in between leaves a job that nobody knows of.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from clipper_sls.domain.identifiers import shortened
from clipper_sls.domain.jobs.job import (
    JOB_ID_BYTES,
    Expired,
    Failed,
    Job,
    JobId,
    JobRecord,
    Outcome,
    is_job_id,
    job_id,
)
from clipper_sls.domain.jobs.messages import JobMessage, NewMessage, pack_rows, write_message
from clipper_sls.domain.query import Deadline, Query
from clipper_sls.domain.selection import choose
from clipper_sls.job_errors import UnknownJobError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.job_queue import JobQueue
from clipper_sls.ports.job_store import JobStore
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.service.waking import event_or_moment

GRACE_S = 5.0
"""So long after its expiry a job may still get the answer that somebody is about to write."""

DEAD_FOR_S = 14 * 24 * 3600.0
"""How long a failed job is kept, for its message to be redriven; SQS keeps a dead letter no longer."""

MAX_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class JobTimes:
    """In seconds."""

    expiry_s: float  # a job that nobody has come to by then is not done any more
    keep_s: float  # a result can be read for so long


class JobService:
    """`chance` gives so many bytes that nobody can guess.

    `poll_s` is how soon to look whether somebody else has finished a job that is waited for; infinite where all jobs
    are finished in this process.
    """

    def __init__(
        self,
        *,
        queue: JobQueue,
        store: JobStore,
        registry: RegistryView,
        clock: Clock,
        times: JobTimes,
        chance: Callable[[int], bytes],
        poll_s: float,
    ) -> None:
        self._queue = queue
        self._store = store
        self._registry = registry
        self._clock = clock
        self._times = times
        self._chance = chance
        self._poll_s = poll_s
        self._waiting: defaultdict[JobId, set[asyncio.Event]] = defaultdict(set)
        self._is_ending = False

    async def submit(self, query: Query, *, is_batch: bool, expires_in_s: float | None = None) -> Job:
        """Take a query in; once this returns it survives a crash. Its deadline is that of an answer, and not a job's.

        Raises RequestedVersionError as a prediction does, StorageFullError or StoreUnavailableError.
        """
        choose(self._registry.snapshot, query.application, query.version)
        now = self._clock.wall()
        expires_at = now + (self._times.expiry_s if expires_in_s is None else expires_in_s)
        job = Job(
            job_id(self._chance(JOB_ID_BYTES)),
            query.application,
            is_batch=is_batch,
            row_count=len(query.rows),
            submitted_at=now,
            expires_at=expires_at,
            forget_at=expires_at + self._times.keep_s,
        )
        message = JobMessage(job.id, job.application, query.input_type, query.version, expires_at, query.rows)
        body, content = write_message(message), None
        if len(body.encode()) > self._queue.max_message_bytes:
            body, content = write_message(replace(message, rows=None)), pack_rows(query.input_type, query.rows)
        await self._store.create(job, content)
        await self._queue.enqueue([NewMessage(str(job.application), body)])
        return job

    async def status(self, name: str) -> JobRecord:
        """The job that a URL names, as it is now. Raises UnknownJobError."""
        record = await self._store.read(JobId(name)) if is_job_id(name) else None
        if record is not None and record.outcome is None and record.job.expires_at + GRACE_S <= self._clock.wall():
            await self.finish(record.job.id, Expired())  # so that whoever looks later is told the same
            record = await self._store.read(JobId(name))
        if record is None:
            raise UnknownJobError(f"No job {shortened(name)!r} is known; it may have been too long ago")
        return record

    async def wait(self, name: str, until: Deadline, *, may_ask_again: bool = True) -> JobRecord:
        """As `status`, as soon as something has become of the job, and by `until` in any case.

        Who `may_ask_again` is told earlier where the server ends.
        """
        event = asyncio.Event()
        self._waiting[JobId(name)].add(event)
        poll_s = self._poll_s
        try:
            while True:
                event.clear()  # before looking, or what happens meanwhile is missed
                record = await self.status(name)
                is_over = self._clock.now() >= until or (self._is_ending and may_ask_again)
                if record.outcome is not None or is_over:
                    return record
                await event_or_moment(event, self._clock, min(until, self._clock.now() + poll_s))
                poll_s = max(self._poll_s, min(MAX_POLL_S, 2 * poll_s))
        finally:
            self._waiting[JobId(name)].discard(event)
            if not self._waiting[JobId(name)]:
                del self._waiting[JobId(name)]

    def end_waits(self) -> None:
        """The server ends, and nobody who can ask another one is to hold it up."""
        self._is_ending = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    async def record(self, job: JobId) -> JobRecord | None:
        """For who works on it."""
        return await self._store.read(job)

    async def content(self, job: JobId) -> bytes | None:
        """The rows that were too large for the message."""
        return await self._store.content(job)

    async def finish(self, job: JobId, outcome: Outcome) -> bool:
        """Keep what became of a job, if it counts, and tell who waits for it; whether it counts."""
        now = self._clock.wall()
        keep_s = max(self._times.keep_s, DEAD_FOR_S) if isinstance(outcome, Failed) else self._times.keep_s
        is_kept = await self._store.finish(job, outcome, finished_at=now, forget_at=now + keep_s)
        for event in self._waiting.get(job, ()):
            event.set()
        return is_kept

    @property
    def expiry_s(self) -> float:
        """How long a job has that is taken up once more, after it was given up."""
        return self._times.expiry_s
