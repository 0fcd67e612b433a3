"""The hot path: rows come in, wait in the queue, and go to whichever replica is idle.

Work-conserving: a replica that waits gets the next batch at once, of what is there, and nothing waits for a batch to
fill, unless the version asks for it. Rows that arrive in one turn of the event loop share a batch, because the pump
runs once at the end of the turn.
"""

import asyncio
from collections.abc import Sequence
from math import inf

from clipper_sls.adapters.engine import refusals
from clipper_sls.adapters.engine.calls import LATE, Answers, Asked, Call, refused
from clipper_sls.adapters.engine.deadlines import Deadlines
from clipper_sls.adapters.engine.draining import Draining
from clipper_sls.adapters.engine.hedges import Hedges
from clipper_sls.adapters.engine.held_answers import HeldAnswers
from clipper_sls.adapters.engine.row_queue import Batch, RowQueue
from clipper_sls.adapters.engine.workers import Worker, Workers
from clipper_sls.domain.admission import Admission
from clipper_sls.domain.batching import batching_for
from clipper_sls.domain.batching.latency_line import LatencyLine
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.query import Deadline, PackedRow, Unanswered
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.results import failed
from clipper_sls.domain.stragglers import Stragglers
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import LateOutput


class Dispatcher:
    """The queue of one model version and its idle replicas."""

    def __init__(self, *, version: ModelVersion, max_batch_bytes: int, clock: Clock, metrics: Metrics) -> None:
        self._version = version
        self._max_batch_bytes = max_batch_bytes
        self._clock = clock
        self._metrics = metrics
        self._queue = RowQueue()
        self._deadlines = Deadlines(clock, self._give_up)
        self._line = LatencyLine()
        self._policy = batching_for(version, self._line)
        self._admission = Admission(self._policy, self._line)
        self._stragglers = Stragglers(self._line)
        self._workers = Workers(self._stragglers)
        self._hedges = Hedges(self._stragglers, self._pump)
        self._under_way: dict[Batch, None] = {}  # the oldest first
        self._held = HeldAnswers(self._answer)
        self._draining = Draining(lambda: not (self._queue or self._under_way or self._held))
        self._is_pump_due = False
        self._pump_timer: asyncio.TimerHandle | None = None

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
        self._admission.asked(caller, len(rows))
        queued_rows = self._queue.rows_of(caller)
        if queued_rows and queued_rows >= self._admission.free_rows(caller):
            reason = self._refusal(caller, queued_rows, deadline - now, now)
            if reason is not None:
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
        """`replica` can take a batch."""
        self._workers.idle(replica)
        self._pump()
        self._held.release()
        self._draining.check()

    def away(self, replica: Worker) -> None:
        """`replica` cannot take a batch."""
        self._workers.away(replica)

    def answered(self, batch: Batch, results: Answers) -> None:
        """What a replica says of `batch`, one result per row. While rows wait, its next batch comes first."""
        self._end(batch)
        self._learn(batch)
        if batch.is_settled:
            return
        if batch.twin is not None:
            batch.twin.is_settled = True
            self._hedges.over(batch.twin)
            self._metrics.hedge_won(self._version.id, by_copy=batch.is_copy)
        if self._queue:
            self._held.hold(batch, results)
        else:
            self._held.release()
            self._answer(batch, results)

    def dropped(self, batch: Batch, why: str) -> None:
        """A replica will not answer `batch`. Any of its rows may be the reason: each is tried once more, alone."""
        self._end(batch)
        is_others = batch.is_settled or batch.twin in self._under_way  # who have answered, or will
        if not is_others:
            self._try_again(batch, why)
        self._draining.check()

    def refuse_waiting(self, reason: Unanswered) -> None:
        """Answer all that waits in the queue with `reason`."""
        for span in self._queue.drain():
            span.fail(reason)
        self._draining.check()

    async def drained(self) -> None:
        """Return when nothing waits and nothing is under way."""
        await self._draining.wait()

    def _try_again(self, batch: Batch, why: str) -> None:
        if batch.is_alone:
            batch.fail(failed(f"a replica {why}; this input was tried twice"))
        elif not self._version.serving.is_idempotent:
            batch.fail(failed(f"a replica {why}; the model is not idempotent, so this input is not tried again"))
        else:
            self._queue.push_apart(batch)
            self._pump_soon()

    def _refusal(self, caller: str, queued_rows: int, budget_s: float, now: float) -> Unanswered | None:
        """Why another row of `caller` need not wait."""
        wait_s = self._admission.wait_s(
            caller,
            budget_s,
            queued_rows=queued_rows,
            replicas=len(self._workers),
            busy_for_s=self._busy_for_s(now),
            now=now,
        )
        return refusals.too_late(wait_s, budget_s) if wait_s > budget_s else None

    def _busy_for_s(self, now: float) -> float:
        """How long the oldest batch has been under way; infinite where a replica is idle."""
        if self._workers.has_idle or not self._under_way:
            return inf
        return now - next(iter(self._under_way)).taken_at

    def _answer(self, batch: Batch, results: Answers) -> None:
        batch.answer(results)
        self._admission.in_time(len(batch.spans))
        self._draining.check()

    def _give_up(self, call: Call) -> None:
        self._held.release()
        if not call.is_over:
            self._admission.late()
        self._queue.forget(call)
        call.give_up()
        self._draining.check()

    def _pump_soon(self) -> None:
        if not self._is_pump_due:
            self._is_pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump_later(self, delay_s: float) -> None:
        """One timer at most; what it finds then decides whether there is another one."""
        if self._pump_timer is None:
            self._pump_timer = asyncio.get_running_loop().call_later(delay_s, self._pump_on_time)

    def _pump_on_time(self) -> None:
        self._pump_timer = None
        self._pump()

    def _pump(self) -> None:
        self._is_pump_due = False
        now = self._clock.now()
        while self._workers.has_idle and (self._hedge(now) or self._send_next(now)):
            pass

    def _hedge(self, now: float) -> bool:
        """Give a batch that is overdue to a second replica."""
        if not self._hedges.is_wanted or (replica := self._workers.take_fast()) is None:
            return False
        copy = self._hedges.next(now)
        if copy is None:
            self._workers.idle(replica)
            return False
        self._metrics.hedged(self._version.id)
        self._send(replica, copy)
        return True

    def _send_next(self, now: float) -> bool:
        """Give the most urgent rows to the best replica there is."""
        call = self._queue.most_urgent(now)
        if call is None:
            return False
        size = self._policy.next_size(call.budget_s)
        if (fills_until := self._fills_until(call, size)) > now:
            self._pump_later(fills_until - now)
            return False
        replica = self._workers.take_fast()
        if replica is None:
            replica, size = self._slow_replica(call, size, now)
        if replica is None:
            return False
        batch = self._queue.take(size, self._max_batch_bytes, now)
        assert batch is not None
        self._send(replica, batch)
        return True

    def _fills_until(self, call: Call, size: int) -> float:
        """When a batch that is not full goes out all the same; at most half of the time goes into waiting."""
        wait_s = self._version.serving.batch_wait_s
        if not wait_s or len(self._queue) >= size:
            return 0.0
        return call.arrived_at + min(wait_s, call.budget_s / 2)

    def _slow_replica(self, call: Call, size: int, now: float) -> tuple[Worker | None, int]:
        """A slow replica that is needed all the same, or one that is asked for one row to see whether it is slow."""
        patience_s = self._stragglers.patience_s(size) or 0.0
        rounds = len(self._queue) / (size * max(1, len(self._under_way)))
        if now - call.arrived_at >= patience_s:
            rounds = inf
        if (needed := self._workers.take_slow(rounds)) is not None:
            return needed, size
        self._pump_later(patience_s)
        return self._workers.take_untried(now), 1

    def _send(self, replica: Worker, batch: Batch) -> None:
        batch.replica_id = replica.replica_id
        self._under_way[batch] = None
        replica.send(batch, pack_event(self._version.input_type, batch.rows))
        if self._version.serving.may_hedge and len(self._workers) > 1:
            self._hedges.watch(batch)

    def _end(self, batch: Batch) -> None:
        del self._under_way[batch]
        self._hedges.over(batch)

    def _learn(self, batch: Batch) -> None:
        """Stragglers compare with what was known before this batch; then the line learns of it, then who reads that."""
        now = self._clock.now()
        latency_s = now - batch.taken_at
        self._metrics.batch(self._version.id, batch.size, latency_s, batch.taken_at - batch.oldest_arrival)
        is_leaving = batch.replica_id not in self._workers
        if is_leaving or self._stragglers.observe(batch.replica_id, batch.size, latency_s, now):
            self._line.observe(batch.size, latency_s)
            self._policy.observe(batch.size, latency_s, batch.budget_s)
            self._admission.learnt()
