"""One model version that runs elsewhere: each call is one request, and batches are made there."""

import asyncio
import math
from collections.abc import Awaitable, Sequence
from contextlib import suppress

from clipper_sls.adapters.http_connections.connection import BrokenConnectionError
from clipper_sls.adapters.http_connections.connections import Connections, UnreachableError
from clipper_sls.adapters.remote.invocation import no_replica, not_ready, read_response, timeout_header
from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.envelope import INVOCATIONS_PATH, pack_event
from clipper_sls.domain.query import Deadline, DefaultReason, PackedRow, Predicted, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.domain.replicas import UNHEALTHY_AFTER_CRASHES, Health, PoolStatus
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import LateOutput

READY_PATH = "/readyz"
PROBE_TIMEOUT_S = 2.0

MAX_CALLS = 1_000
"""Requests under way, each on a connection of its own; more are refused."""

LATE_S = 30.0
"""How long after its deadline an answer is still waited for, on the way into the cache."""

LATE = Unanswered(DefaultReason.TIMED_OUT)
Answers = Sequence[RowResult]


class RemoteModel:
    def __init__(self, version: ModelVersion, endpoint: Endpoint, *, clock: Clock, metrics: Metrics) -> None:
        self._version = version
        self._url = endpoint.url
        self._connections = Connections(endpoint)
        self._clock = clock
        self._metrics = metrics
        self._asking: set[asyncio.Task[None]] = set()
        self._rows = 0  # under way
        self._is_known = False  # something was heard of the server, or in vain waited for
        self._failures = 0  # since the server answered last
        self._last_error: str | None = None

    def ask(self, rows: Sequence[PackedRow], deadline: Deadline, late: LateOutput | None) -> Awaitable[Answers]:
        """One result per row, no later than `deadline`. Cancelling breaks the request off."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answers] = loop.create_future()
        if len(self._asking) >= MAX_CALLS:
            detail = f"{len(self._asking)} queries are being asked of {self._url} already"
            answered.set_result([Unanswered(DefaultReason.OVERLOADED, detail)] * len(rows))
            return answered
        task = loop.create_task(self._exchange(rows, deadline, answered, late))
        self._asking.add(task)
        self._rows += len(rows)
        task.add_done_callback(lambda task: self._over(task, answered, len(rows)))
        if not math.isinf(deadline):
            due = loop.call_later(max(0.0, deadline - self._clock.now()), _give_up, answered, len(rows))
            answered.add_done_callback(lambda _: due.cancel())
        answered.add_done_callback(lambda answered: task.cancel() if answered.cancelled() else None)
        return answered

    async def probe(self) -> None:
        """Find out whether the server is ready. A server without such a route is."""
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                why = not_ready(await self._connections.get(READY_PATH), self._url)
        except (UnreachableError, BrokenConnectionError) as error:
            why = str(error)
        except TimeoutError:
            why = f"{self._url} did not say within {PROBE_TIMEOUT_S:g} s whether it is ready"
        self._heard(why)

    async def close(self, timeout_s: float) -> None:
        """Wait for what is being asked, `timeout_s` at most."""
        if self._asking:
            await asyncio.wait(tuple(self._asking), timeout=timeout_s)
        for task in tuple(self._asking):
            task.cancel()
        if self._asking:
            await asyncio.wait(tuple(self._asking))
        self._connections.close()

    def status(self) -> PoolStatus:
        return PoolStatus(
            model=self._version.id,
            health=self._health(),
            scaling=Scaling(0, 0),
            replicas=(),
            queued_rows=self._rows,
            consecutive_crashes=self._failures,
            last_error=self._last_error,
            url=self._url,
        )

    async def _exchange(
        self, rows: Sequence[PackedRow], deadline: Deadline, answered: asyncio.Future[Answers], late: LateOutput | None
    ) -> None:
        """Gives the results to `answered`, or those that come later to `late`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(deadline) else deadline - self._clock.now() + LATE_S):
                results = await self._results(rows, deadline)
                if not answered.done():
                    answered.set_result(results)
                elif late is not None:
                    _pass_on(results, late)

    async def _results(self, rows: Sequence[PackedRow], deadline: Deadline) -> Answers:
        asked_at = self._clock.now()
        try:
            response = await self._connections.post(
                INVOCATIONS_PATH,
                pack_event(self._version.input_type, rows),
                timeout_header(deadline - asked_at),
                may_repeat=self._version.serving.is_idempotent,
            )
        except (UnreachableError, BrokenConnectionError) as error:
            why = str(error) if isinstance(error, UnreachableError) else f"{self._url} broke off: {error}"
            self._heard(why)
            return [no_replica(why)] * len(rows)
        self._heard(not_ready(response, self._url))
        self._metrics.batch(self._version.id, len(rows), self._clock.now() - asked_at, 0.0)
        return read_response(response, len(rows), self._url)

    def _heard(self, why_not: str | None) -> None:
        self._is_known = True
        self._last_error = why_not
        self._failures = 0 if why_not is None else self._failures + 1

    def _health(self) -> Health:
        if not self._is_known:
            return Health.STARTING
        if self._failures == 0:
            return Health.HEALTHY
        return Health.UNHEALTHY if self._failures >= UNHEALTHY_AFTER_CRASHES else Health.DEGRADED

    def _over(self, task: "asyncio.Task[None]", answered: asyncio.Future[Answers], row_count: int) -> None:
        self._asking.discard(task)
        self._rows -= row_count
        if not answered.done():
            answered.set_result([no_replica(f"model {self._version.id} is being stopped")] * row_count)
        if not task.cancelled():
            task.result()  # raises what is a fault of ours, which the loop reports


def _give_up(answered: asyncio.Future[Answers], row_count: int) -> None:
    if not answered.done():
        answered.set_result([LATE] * row_count)


def _pass_on(results: Answers, late: LateOutput) -> None:
    for index, result in enumerate(results):
        if isinstance(result, Predicted):
            late(index, result.output)
