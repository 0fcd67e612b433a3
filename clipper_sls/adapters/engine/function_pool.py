"""The replicas of one model version: how many there are, and what happens when one ends.

The rules are in `domain.replicas`; this is the shell that counts, starts and ends.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from clipper_sls.adapters.engine import refusals
from clipper_sls.adapters.engine.calls import Asked, refused
from clipper_sls.adapters.engine.dispatcher import Dispatcher
from clipper_sls.adapters.engine.launching import Launcher
from clipper_sls.adapters.engine.limits import EngineLimits
from clipper_sls.adapters.engine.readiness import Readiness
from clipper_sls.adapters.engine.replica import Ending, Replica
from clipper_sls.adapters.engine.replica_logs import ReplicaLogs
from clipper_sls.adapters.engine.row_queue import Batch
from clipper_sls.domain import replicas as rules
from clipper_sls.domain.query import Deadline, PackedRow, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.domain.replicas import PoolStatus, ReplicaState
from clipper_sls.errors import ModelStartError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import LateOutput

_log = logging.getLogger(__name__)
_PREFERRED_TO_END = (ReplicaState.STARTING, ReplicaState.READY, ReplicaState.BUSY)


class FunctionPool:
    def __init__(
        self,
        *,
        version: ModelVersion,
        launcher: Launcher,
        logs: ReplicaLogs,
        clock: Clock,
        metrics: Metrics,
        limits: EngineLimits,
    ) -> None:
        self._model = version.id
        self._scaling = version.scaling
        self._launcher = launcher
        self._logs = logs
        self._clock = clock
        self._metrics = metrics
        self._limits = limits
        self._dispatcher = Dispatcher(
            version=version,
            max_batch_bytes=limits.max_batch_bytes,
            clock=clock,
            metrics=metrics,
        )
        self._readiness = Readiness()
        self._live: dict[int, Replica] = {}
        self._stopping: dict[int, Replica] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._next_id = 1
        self._is_proven = False  # a replica got ready once, or did so before the engine was restarted
        self._is_closing = False
        self._crashes = 0
        self._last_error: str | None = None
        self._start_not_before = 0.0
        self._retry: asyncio.TimerHandle | None = None
        self._used_at = clock.now()

    async def start(self) -> None:
        """Start the minimum of replicas, one at least; returns when they are ready. Raises why they are not.

        After it raised, nothing starts any more; `close` ends what is there.
        """
        self._next_id = self._logs.next_id()
        self._rescale()
        await self._readiness.wait_for(self._proving.minimum)
        self._is_proven = True
        self._used_at = self._clock.now()
        self._rescale()

    def resume(self) -> None:
        """Start the minimum of replicas in the background, again and again if need be."""
        self._next_id = self._logs.next_id()
        self._is_proven = True
        self._rescale()
        self._count_ready()

    async def settled(self) -> None:
        """Return when the minimum was ready, or a start has failed, for the first time."""
        await self._readiness.settled.wait()

    async def ready(self) -> None:
        """Return when the minimum is ready. Raises why a start failed."""
        await self._readiness.wait_for(self._scaling.minimum)

    def ask(
        self, rows: Sequence[PackedRow], deadline: Deadline, late: LateOutput | None = None, caller: str = ""
    ) -> Asked:
        """One result per row, no later than `deadline`."""
        refusal = self._refusal(len(rows))
        if refusal is not None:
            return refused(refusal, len(rows))
        if not self._live:
            asyncio.get_running_loop().call_soon(self._rescale)
        self._used_at = self._clock.now()
        return self._dispatcher.ask(rows, deadline, late, caller)

    async def scale(self, scaling: Scaling) -> None:
        """Returns when the minimum is ready and what is too many has ended. Raises why a start failed."""
        before, self._scaling = self._scaling, scaling
        self._rescale()
        try:
            await self._readiness.wait_for(scaling.minimum)
        except BaseException:
            self._scaling = before
            self._rescale()
            raise
        await self._wait_for_tasks(tuple(self._stopping))

    async def close(self) -> None:
        """Answer what waits as far as there is time, then end every replica."""
        self._is_closing = True
        if self._retry is not None:
            self._retry.cancel()
        if self._ready_count:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._dispatcher.drained(), self._limits.drain_timeout_s)
        self._dispatcher.refuse_waiting(refusals.stopped(self._model))
        self._readiness.failed(ModelStartError(f"Model {self._model} was stopped while it was being started"))
        for replica in tuple(self._live.values()):
            self._retire(replica, drain_timeout_s=0.0)
        await self._wait_for_tasks(tuple(self._tasks))
        self._dispatcher.refuse_waiting(refusals.stopped(self._model))  # what the last of them dropped

    def check(self, now: float) -> None:
        """To be called from time to time: ends replicas that take too much, starts and ends others by need."""
        for replica in (*self._live.values(), *self._stopping.values()):
            replica.check(now)
        self._rescale()

    def status(self) -> PoolStatus:
        replicas = sorted((*self._live.values(), *self._stopping.values()), key=lambda replica: replica.replica_id)
        return PoolStatus(
            model=self._model,
            health=rules.health(self._scaling, self._ready_count, self._crashes, bool(self._live)),
            scaling=self._scaling,
            replicas=tuple(replica.status() for replica in replicas),
            queued_rows=self._dispatcher.queued_rows,
            consecutive_crashes=self._crashes,
            last_error=self._last_error,
        )

    def bound_logs(self) -> None:
        """Keep logs that are being written from growing without end; slow, and for any thread."""
        self._logs.bound((*self._live, *self._stopping), self._limits.replica_log_bytes)

    def replica_ready(self) -> None:
        self._count_ready()
        self._rescale()  # others may have been waiting for this one to start

    def replica_idle(self, replica: Replica) -> None:
        self._dispatcher.idle(replica)

    def replica_away(self, replica: Replica) -> None:
        self._dispatcher.away(replica)

    def replica_answered(self, batch: Batch, results: list[RowResult]) -> None:
        self._crashes = 0
        self._used_at = self._clock.now()
        self._dispatcher.answered(batch, results)

    def replica_dropped(self, batch: Batch, why: str) -> None:
        self._dispatcher.dropped(batch, why)

    @property
    def _ready_count(self) -> int:
        return sum(replica.state is not ReplicaState.STARTING for replica in self._live.values())

    @property
    def _proving(self) -> Scaling:
        """What is asked for; before the first start has succeeded, one replica at least, to see it succeed."""
        if self._is_proven:
            return self._scaling
        return Scaling(max(1, self._scaling.minimum), max(1, self._scaling.maximum))

    def _count_ready(self) -> None:
        self._readiness.ready(self._ready_count, self._proving.minimum)

    def _refusal(self, row_count: int) -> Unanswered | None:
        if self._is_closing:
            return refusals.stopped(self._model)
        if self._scaling.maximum == 0:
            return refusals.off(self._model)
        if not self._live and self._is_given_up:
            return refusals.given_up(self._model, self._last_error)
        if self._dispatcher.queued_rows + row_count > self._limits.max_queued_rows:
            return refusals.overloaded(self._dispatcher.queued_rows)
        return None

    @property
    def _is_given_up(self) -> bool:
        return self._crashes >= rules.UNHEALTHY_AFTER_CRASHES and self._clock.now() < self._start_not_before

    def _rescale(self) -> None:
        """Bring the number of replicas to what it should be now."""
        if self._is_closing:
            return
        states = [replica.state for replica in self._live.values()]
        starting = states.count(ReplicaState.STARTING)
        target = rules.wanted_replicas(
            self._proving,
            live=len(states),
            busy=states.count(ReplicaState.BUSY),
            queued_rows=self._dispatcher.queued_rows,
            idle_for_s=0.0 if starting else self._clock.now() - self._used_at,
            idle_limit_s=self._limits.idle_limit_s,
        )
        self._end_surplus(len(states) - target)
        self._start_when_due(rules.replicas_to_start(target, len(states), starting, self._crashes))
        if self._proving.maximum == 0:
            self._dispatcher.refuse_waiting(refusals.off(self._model))

    def _start_when_due(self, count: int) -> None:
        delay_s = self._start_not_before - self._clock.now()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if count and delay_s > 0:
            self._retry = asyncio.get_running_loop().call_later(delay_s, self._rescale)
        else:
            self._start(count)

    def _start(self, count: int) -> None:
        for _ in range(count):
            replica_id, self._next_id = self._next_id, self._next_id + 1
            replica = Replica(
                replica_id=replica_id,
                model=self._model,
                launcher=self._launcher,
                logs=self._logs,
                owner=self,
                clock=self._clock,
                limits=self._limits,
            )
            self._live[replica_id] = replica
            self._tasks[replica_id] = asyncio.create_task(self._follow(replica), name=f"{self._model}/{replica_id}")

    def _end_surplus(self, count: int) -> None:
        for replica in sorted(self._live.values(), key=lambda replica: _PREFERRED_TO_END.index(replica.state))[
            : max(0, count)
        ]:
            self._retire(replica, self._limits.drain_timeout_s)

    def _retire(self, replica: Replica, drain_timeout_s: float) -> None:
        self._stopping[replica.replica_id] = self._live.pop(replica.replica_id)
        self._dispatcher.away(replica)
        self._count_ready()
        replica.retire(drain_timeout_s)

    async def _follow(self, replica: Replica) -> None:
        """The whole life of a replica; the task's entry point."""
        try:
            ending = await replica.run()
        except Exception:
            _log.exception("Lost track of replica %d of model %s", replica.replica_id, self._model)
            ending = None
        self._forget(replica.replica_id)
        self._dispatcher.away(replica)
        self._count_ready()
        if ending is not None and not ending.is_wanted:
            self._crashed(ending)
        self._rescale()
        self._logs.prune(self._limits.max_log_files, (*self._live, *self._stopping))

    def _forget(self, replica_id: int) -> None:
        for register in (self._live, self._stopping, self._tasks):
            register.pop(replica_id, None)

    def _crashed(self, ending: Ending) -> None:
        self._crashes = rules.crashes_after(self._crashes, ending.ready_for_s)
        self._start_not_before = self._clock.now() + rules.restart_delay_s(self._crashes)
        self._last_error = ending.summary
        self._metrics.replica_crashed(self._model)
        if ending.ready_for_s is None:
            self._readiness.failed(ending.error)
        if not self._is_proven:
            self._is_closing = True
        if not self._live and (self._is_given_up or self._is_closing):
            self._dispatcher.refuse_waiting(refusals.given_up(self._model, self._last_error))

    async def _wait_for_tasks(self, replica_ids: Sequence[int]) -> None:
        tasks = [self._tasks[replica_id] for replica_id in replica_ids if replica_id in self._tasks]
        if tasks:
            await asyncio.wait(tasks)  # and not `gather`, which would cancel them along with whoever waits
