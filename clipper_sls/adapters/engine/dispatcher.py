"""The hot path: rows come in, wait in the queue, and go to whichever replica is idle.

Work-conserving: a replica that waits gets the next batch at once, of what is there, and nothing waits for a batch to
fill. Rows that arrive in one turn of the event loop share a batch, because the pump runs once at the end of the turn.

A replica that has answered asks for more a fraction of a millisecond later. Answering the callers of a large batch
takes longer than that, and the replica would wait for it, so while rows wait the answers are held until it has its
next batch.
"""

import asyncio
from collections.abc import Sequence
from math import inf
from typing import Protocol

from clipper_sls.adapters.engine import refusals
from clipper_sls.adapters.engine.calls import LATE, Asked, Call, refused
from clipper_sls.adapters.engine.deadlines import Deadlines
from clipper_sls.adapters.engine.results import failed
from clipper_sls.adapters.engine.row_queue import Batch, RowQueue
from clipper_sls.domain.admission import Admission
from clipper_sls.domain.batching import BatchingPolicy
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.query import Deadline, PackedRow, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import LateOutput

HOLD_S = 0.001
"""How long answers wait at most for their replica to come back."""


class Worker(Protocol):
    """A replica, as far as work is concerned."""

    @property
    def replica_id(self) -> int: ...

    def send(self, batch: Batch, event: bytes) -> None:
        """Work on `batch`; called only while idle."""
        ...


class Dispatcher:
    """The queue of one model version and its idle replicas."""

    def __init__(
        self, *, version: ModelVersion, policy: BatchingPolicy, max_batch_bytes: int, clock: Clock, metrics: Metrics
    ) -> None:
        self._version = version
        self._policy = policy
        self._max_batch_bytes = max_batch_bytes
        self._clock = clock
        self._metrics = metrics
        self._queue = RowQueue()
        self._deadlines = Deadlines(clock, self._give_up)
        self._idle: dict[int, Worker] = {}
        self._workers: set[int] = set()  # the idle ones, and those at work
        self._under_way: dict[Batch, None] = {}  # the oldest first
        self._admission = Admission(policy)
        self._held: list[tuple[Batch, Sequence[RowResult]]] = []
        self._is_pump_due = False
        self._drained: list[asyncio.Future[None]] = []

    @property
    def queued_rows(self) -> int:
        return len(self._queue)

    def ask(
        self, rows: Sequence[PackedRow], deadline: Deadline, late: LateOutput | None = None, caller: str = ""
    ) -> Asked:
        """One result per row, no later than `deadline`. Cancelling abandons the rows."""
        now = self._clock.now()
        if deadline <= now:
            return refused(LATE, len(rows))
        self._admission.asked(caller, len(rows), now)
        if self._queue and (reason := self._refusal(caller, deadline - now, now)):
            return refused(reason, len(rows))
        answered: Asked = asyncio.get_running_loop().create_future()
        if not rows:
            answered.set_result(())
            return answered
        call = Call(rows, arrived_at=now, deadline=deadline, answered=answered, late=late, caller=caller)
        self._queue.push(call)
        self._pump_soon()
        self._deadlines.add(call)
        return answered

    def idle(self, replica: Worker) -> None:
        """`replica` can take a batch. The one that worked last is asked first: its caches are warm."""
        self._idle[replica.replica_id] = replica
        self._workers.add(replica.replica_id)
        self._pump()
        self._release()

    def away(self, replica: Worker) -> None:
        """`replica` cannot take a batch."""
        self._idle.pop(replica.replica_id, None)
        self._workers.discard(replica.replica_id)

    def answered(self, batch: Batch, results: Sequence[RowResult]) -> None:
        latency_s = self._clock.now() - batch.taken_at
        del self._under_way[batch]
        self._policy.observe(batch.size, latency_s, batch.budget_s)
        self._admission.observe(batch.size, latency_s)
        self._metrics.batch(self._version.id, batch.size, latency_s, batch.taken_at - batch.oldest_arrival)
        self._held.append((batch, results))
        if not self._queue:
            self._release()
        elif len(self._held) == 1:
            asyncio.get_running_loop().call_later(HOLD_S, self._release)

    def dropped(self, batch: Batch, why: str) -> None:
        """A replica will not answer `batch`. Any of its rows may be the reason: each is tried once more, alone."""
        del self._under_way[batch]
        if batch.is_alone:
            batch.fail(failed(f"a replica {why}; this input was tried twice"))
        else:
            self._queue.push_apart(batch)
            self._pump_soon()
        self._notify_if_drained()

    def refuse_waiting(self, reason: Unanswered) -> None:
        """Answer all that waits in the queue with `reason`."""
        for span in self._queue.drain():
            span.fail(reason)
        self._notify_if_drained()

    async def drained(self) -> None:
        """Return when nothing waits and nothing is under way."""
        if self._is_drained:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._drained.append(future)
        await future

    @property
    def _is_drained(self) -> bool:
        return not (self._queue or self._under_way or self._held)

    def _notify_if_drained(self) -> None:
        if self._drained and self._is_drained:
            for future in self._drained:
                if not future.done():
                    future.set_result(None)
            self._drained.clear()

    def _refusal(self, caller: str, budget_s: float, now: float) -> Unanswered | None:
        """Why another row of `caller` need not wait."""
        wait_s = self._admission.wait_s(
            caller,
            budget_s,
            queued_rows=self._queue.rows_of(caller),
            replicas=len(self._workers),
            busy_for_s=inf if self._idle or not self._under_way else now - next(iter(self._under_way)).taken_at,
            now=now,
        )
        return refusals.too_late(wait_s, budget_s) if wait_s > budget_s else None

    def _release(self) -> None:
        """Answer the callers of all batches that are held."""
        held, self._held = self._held, []
        for batch, results in held:
            batch.answer(results)
            self._admission.in_time(len(batch.spans))
        self._notify_if_drained()

    def _give_up(self, call: Call) -> None:
        self._release()
        if not call.is_over:
            self._admission.late()
        self._queue.forget(call)
        call.give_up()
        self._notify_if_drained()

    def _pump_soon(self) -> None:
        if not self._is_pump_due:
            self._is_pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._is_pump_due = False
        now = self._clock.now()
        while self._idle and (call := self._queue.most_urgent(now)) is not None:
            batch = self._queue.take(self._policy.next_size(call.budget_s), self._max_batch_bytes, now)
            assert batch is not None
            _, replica = self._idle.popitem()
            self._under_way[batch] = None
            replica.send(batch, pack_event(self._version.input_type, batch.rows))
