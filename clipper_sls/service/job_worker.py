"""What is done with the messages of jobs: the same in the embedded engine's loop and in a consumer on AWS."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from clipper_sls.domain.jobs.job import Done, Failed
from clipper_sls.domain.jobs.messages import Received
from clipper_sls.domain.jobs.work import Chunk, Task, Verdict, failure_of, grouped, next_chunk, verdict
from clipper_sls.domain.query import Deadline
from clipper_sls.errors import ClipperError
from clipper_sls.job_errors import JobFailedError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.job_queue import JobQueue
from clipper_sls.service.chunk_sizes import ChunkSizes, budget_s
from clipper_sls.service.job_intake import JobIntake
from clipper_sls.service.jobs import JobService
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView

CALLER = "jobs"
"""All of them are one caller of a model, which has its fair share beside each application that asks directly."""

NO_LIMIT = Deadline(float("inf"))

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkLimits:
    """`call_s` is how long one chunk may take, and `calls` how many of one version are asked for at one time."""

    max_tries: int
    call_s: float
    calls: int = 1


class JobWorker:
    """Every message is done, failed or tried again by itself, whatever becomes of the others."""

    def __init__(
        self,
        *,
        jobs: JobService,
        queue: JobQueue,
        registry: RegistryView,
        answers: ModelAnswers,
        predictions: PredictionService,
        clock: Clock,
        limits: WorkLimits,
    ) -> None:
        self._jobs = jobs
        self._queue = queue
        self._registry = registry
        self._answers = answers
        self._predictions = predictions
        self._clock = clock
        self._limits = limits
        self._sizes = ChunkSizes()
        self._intake = JobIntake(jobs=jobs, queue=queue, registry=registry, predictions=predictions, clock=clock)

    async def work(self, messages: Sequence[Received], until: Deadline = NO_LIMIT) -> Sequence[str]:
        """Do what can be done by `until`; the ids of the messages that are to be delivered again.

        The others are not needed any more, and whoever calls acknowledges them. Results are kept when this returns.
        """
        await self._registry.fresh()
        verdicts = await asyncio.gather(*(self._guarded(self._begin(one, until)) for one in messages))
        tasks = [task for task in verdicts if isinstance(task, Task)]
        await asyncio.gather(*(self._ask_all(group, until) for group in grouped(tasks).values()))
        settled = await asyncio.gather(*(self._guarded(self._settle(task)) for task in tasks))
        again = {task.received.message_id for task, end in zip(tasks, settled, strict=True) if end is Verdict.AGAIN}
        again |= {one.message_id for one, end in zip(messages, verdicts, strict=True) if end is Verdict.AGAIN}
        return [one.message_id for one in messages if one.message_id in again]

    async def _begin(self, received: Received, until: Deadline) -> Task | Verdict:
        return await self._intake.take(received, until) or Verdict.DONE

    async def _guarded(self, step: Awaitable[Task | Verdict]) -> Task | Verdict:
        """A store that fails, and what nobody foresaw, is a reason to try again."""
        try:
            return await step
        except ClipperError as error:
            logger.warning("A job is tried again: %s", error.msg)
        except Exception:
            logger.exception("A job is tried again")
        return Verdict.AGAIN

    async def _ask_all(self, tasks: Sequence[Task], until: Deadline) -> None:
        """Fill in the results of `tasks`, all of one version and type."""
        waiting = deque((task, index) for task in tasks for index in range(len(task.rows)))
        await asyncio.gather(*(self._ask_on(waiting, until) for _ in range(self._limits.calls)))

    async def _ask_on(self, waiting: deque[tuple[Task, int]], until: Deadline) -> None:
        """Chunk after chunk, until there are no more, or there is no time."""
        while waiting and self._clock.now() < until:
            version = waiting[0][0].version
            budget = budget_s(self._registry.snapshot, version, self._limits.call_s)
            chunk = next_chunk(waiting, self._sizes.next_size(version, budget), self._clock.now())
            for _ in chunk.parts:
                waiting.popleft()
            await self._ask(chunk, budget)

    async def _ask(self, chunk: Chunk, budget: float) -> None:
        began = self._clock.now()
        deadline = Deadline(min(chunk.deadline, began + self._limits.call_s))
        try:
            chunk.answered(await self._answers.ask(chunk.version, chunk.rows, deadline, CALLER))
        except Exception:  # what is wrong with one chunk is not the others' fault; its rows have no answer
            logger.exception("A chunk of %d rows of model %s failed", len(chunk.parts), chunk.version.id)
        self._sizes.observe(chunk.version, len(chunk.parts), self._clock.now() - began, budget)

    async def _settle(self, task: Task) -> Verdict:
        results = task.answers
        time_left_s = task.due - self._clock.now()
        if time_left_s > 0 and len(task.results) < len(task.rows):
            return Verdict.AGAIN  # this worker had no time for it, which says nothing of the job
        tries_left = self._limits.max_tries - task.received.receive_count
        end = verdict(results, time_left_s=time_left_s, tries_left=tries_left)
        if end is Verdict.DONE:
            application = self._predictions.known_application(task.message.application)
            await self._jobs.finish(task.message.job_id, Done(self._predictions.told(application, results)))
        elif end is Verdict.NEVER and await self._is_wanted(task):
            reason = f"given up after {task.received.receive_count} tries: {failure_of(results)}"
            await self._queue.bury(task.received, reason)
            await self._jobs.finish(task.message.job_id, Failed(JobFailedError.code, reason))
        return end

    async def _is_wanted(self, task: Task) -> bool:
        """Not when another message of the same job, or another delivery of this one, has brought a result."""
        record = await self._jobs.record(task.message.job_id)
        return record is not None and not record.is_final
