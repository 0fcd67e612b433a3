"""The embedded engine's consumer of its own queue."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from clipper_sls.domain.jobs.messages import MOST_RECEIVED, Received
from clipper_sls.domain.jobs.work import retry_after_s
from clipper_sls.errors import StoreError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.job_queue import JobQueue
from clipper_sls.service.job_worker import JobWorker

VISIBILITY_S = 60.0
"""How long a message is kept by who works on it, and again and again until it is done."""

WAIT_S = 20.0
PAUSE_S = 1.0
"""After the queue could not be used."""

logger = logging.getLogger(__name__)


class JobLoop:
    """As many times `concurrency` as messages are received at once, at most, are being worked on at one time.

    Queries that wait for an answer come before them: rows of jobs have more time left than those, as a rule, and share
    batches with them.
    """

    def __init__(self, *, queue: JobQueue, worker: JobWorker, clock: Clock, concurrency: int) -> None:
        self._queue = queue
        self._worker = worker
        self._clock = clock
        self._concurrency = concurrency
        self._receiving: set[asyncio.Task[Sequence[Received]]] = set()
        self._lanes: list[asyncio.Task[None]] = []
        self._is_ending = False

    def start(self) -> None:
        self._lanes = [asyncio.create_task(self._run()) for _ in range(self._concurrency)]

    async def close(self, drain_timeout_s: float) -> None:
        """Take nothing more, and come to an end with what was taken; what is not done by then waits for a restart."""
        self._is_ending = True
        for receiving in self._receiving:
            receiving.cancel()
        if self._lanes:
            await asyncio.wait(self._lanes, timeout=drain_timeout_s)
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)

    async def _run(self) -> None:
        while not self._is_ending:
            try:
                messages = await self._receive()
                if messages:
                    await self._handle(messages)
            except StoreError as error:
                logger.error("The queue of jobs cannot be used: %s", error.msg)
                await self._clock.sleep_until(self._clock.now() + PAUSE_S)
            except Exception:  # the messages come again, and nobody else would work on them
                logger.exception("Working on jobs failed")
                await self._clock.sleep_until(self._clock.now() + PAUSE_S)

    async def _receive(self) -> Sequence[Received]:
        """Nothing when the engine ends meanwhile."""
        receiving = asyncio.ensure_future(self._queue.receive(MOST_RECEIVED, visibility_s=VISIBILITY_S, wait_s=WAIT_S))
        self._receiving.add(receiving)
        try:
            await asyncio.wait([receiving])
            return () if receiving.cancelled() else receiving.result()
        finally:
            self._receiving.discard(receiving)
            receiving.cancel()

    async def _handle(self, messages: Sequence[Received]) -> None:
        keeping = asyncio.create_task(self._keep(messages))
        try:
            again = set(await self._worker.work(messages))
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        await self._queue.acknowledge([one for one in messages if one.message_id not in again])
        for one in messages:
            if one.message_id in again:
                await self._queue.release([one], after_s=retry_after_s(one.receive_count))

    async def _keep(self, messages: Sequence[Received]) -> None:
        """What takes longer is not to be delivered to somebody else meanwhile."""
        while True:
            await self._clock.sleep_until(self._clock.now() + VISIBILITY_S / 2)
            with suppress(StoreError):  # delivered twice at worst
                await self._queue.release(messages, after_s=VISIBILITY_S)
