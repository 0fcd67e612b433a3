"""From the message of a job to what is to be asked for it, or to the end of it."""

from clipper_sls.domain.jobs.job import Done, Expired, Failed, JobRecord
from clipper_sls.domain.jobs.messages import JobMessage, Received, read_message, unpack_rows
from clipper_sls.domain.jobs.work import Task
from clipper_sls.domain.query import Deadline, DefaultReason, PackedRow, Unanswered
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.selection import choose
from clipper_sls.errors import (
    IncompatibleInputTypeError,
    MalformedRequestError,
    NotServedError,
    RequestedVersionError,
)
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.job_queue import JobQueue
from clipper_sls.service.jobs import JobService
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView

_ENDS_IT = (NotServedError, RequestedVersionError, IncompatibleInputTypeError, MalformedRequestError)


class JobIntake:
    def __init__(
        self,
        *,
        jobs: JobService,
        queue: JobQueue,
        registry: RegistryView,
        predictions: PredictionService,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._queue = queue
        self._registry = registry
        self._predictions = predictions
        self._clock = clock

    async def take(self, received: Received, until: Deadline) -> Task | None:
        """What is to be asked, by `until` at the latest; None where nothing is left to be done. Raises StoreError.

        A message that cannot be read is buried at once: nobody could read it the next time.
        """
        try:
            message = read_message(received.body)
        except MalformedRequestError as error:
            await self._queue.bury(received, error.msg)
            return None
        due = await self._due(received, message)
        if due is None:
            return None
        try:
            return await self._task(received, message, due, until)
        except _ENDS_IT as error:
            await self._jobs.finish(message.job_id, Failed(error.code, error.msg))
            return None

    async def _due(self, received: Received, message: JobMessage) -> float | None:
        """By when, by `Clock.now`, an answer is wanted; None where it is not wanted any more."""
        left_s = message.expires_at - self._clock.wall()
        if left_s > 0 and received.receive_count == 1:
            return self._clock.now() + left_s  # nearly always
        record = await self._jobs.record(message.job_id)
        if record is None or record.is_final:
            return None
        if left_s <= 0:
            return await self._after_expiry(record)
        return self._clock.now() + left_s

    async def _after_expiry(self, record: JobRecord) -> float | None:
        """Somebody who redrives the message of a failed job wants it done all the same."""
        if isinstance(record.outcome, Failed):
            return self._clock.now() + self._jobs.expiry_s
        await self._jobs.finish(record.job.id, Expired())
        return None

    async def _task(self, received: Received, message: JobMessage, due: float, until: Deadline) -> Task | None:
        version = await self._version(message)
        rows = message.rows if message.rows is not None else await self._kept_rows(message)
        if rows is None:
            return None
        if version is None:
            unlinked = [Unanswered(DefaultReason.NO_MODEL_LINKED)] * len(rows)
            application = self._predictions.known_application(message.application)
            await self._jobs.finish(message.job_id, Done(self._predictions.told(application, unlinked)))
            return None
        return Task(received, message, rows, version, Deadline(due), until)

    async def _kept_rows(self, message: JobMessage) -> list[PackedRow] | None:
        content = await self._jobs.content(message.job_id)
        return None if content is None else unpack_rows(content)

    async def _version(self, message: JobMessage) -> ModelVersion | None:
        """Whoever took the job in may have known of a change that is not known here yet."""
        try:
            return self._known_version(message)
        except (NotServedError, RequestedVersionError, IncompatibleInputTypeError):
            await self._registry.load()
            return self._known_version(message)

    def _known_version(self, message: JobMessage) -> ModelVersion | None:
        application = self._predictions.known_application(message.application)
        if application.input_type is not message.input_type:
            raise IncompatibleInputTypeError(
                f"Application '{application.name}' takes {application.input_type} by now, and the job has "
                f"{message.input_type}"
            )
        return choose(self._registry.snapshot, message.application, message.version)
