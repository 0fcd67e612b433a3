"""One replica: its process, its Runtime API and what it is working on, from its start to its end.

Reports to a `ReplicaOwner`; decides nothing about other replicas, restarts or queues.
"""

import asyncio
import os
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from clipper_sls.adapters.engine.launching import Launcher, RunningReplica
from clipper_sls.adapters.engine.limits import MIB, EngineLimits
from clipper_sls.adapters.engine.process_environment import function_arn
from clipper_sls.adapters.engine.replica_logs import ReplicaLogs
from clipper_sls.adapters.engine.row_queue import Batch
from clipper_sls.adapters.engine.runtime_api import Invocation, Poll, RuntimeApi
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.query import RowResult
from clipper_sls.domain.replicas import ReplicaState, ReplicaStatus
from clipper_sls.domain.results import failed, read_failure, read_result
from clipper_sls.errors import ClipperError, ModelStartError, ModelStartTimeoutError
from clipper_sls.ports.clock import Clock


class ReplicaOwner(Protocol):
    """Who hears of a replica."""

    def replica_ready(self) -> None:
        """It is about to wait for work for the first time."""
        ...

    def replica_idle(self, replica: "Replica") -> None:
        """It waits for work."""
        ...

    def replica_away(self, replica: "Replica") -> None:
        """It waits no longer, though it got no work."""
        ...

    def replica_answered(self, batch: Batch, results: list[RowResult]) -> None:
        """It finished a batch."""
        ...

    def replica_dropped(self, batch: Batch, why: str) -> None:
        """It will not answer a batch, which may be tried elsewhere; `why` goes on from "a replica ..."."""
        ...


@dataclass(frozen=True, slots=True)
class Ending:
    """How a replica ended."""

    is_wanted: bool  # it was told to
    ready_for_s: float | None  # None when it never got ready
    story: str  # goes on from "replica 3 ..."
    summary: str  # one line, with the replica and its log
    error: ClipperError  # for whoever waits for it to get ready


class Replica:
    def __init__(
        self,
        *,
        replica_id: int,
        model: ModelId,
        launcher: Launcher,
        logs: ReplicaLogs,
        owner: ReplicaOwner,
        clock: Clock,
        limits: EngineLimits,
    ) -> None:
        self.replica_id = replica_id
        self.state = ReplicaState.STARTING
        self._model = model
        self._launcher = launcher
        self._logs = logs
        self._log_path = logs.path(replica_id)
        self._owner = owner
        self._clock = clock
        self._limits = limits
        self._function_arn = function_arn(model)
        self._started_at = clock.wall()
        self._rows_answered = 0
        self._preparation: asyncio.Task[None] | None = None
        self._process: RunningReplica | None = None
        self._poll: Poll | None = None
        self._batch: Batch | None = None
        self._due_at = float("inf")  # the start, the batch under way, or the way back for more must be over by then
        self._request_prefix = str(uuid4())[:24]
        self._request_count = 0
        self._ready_at: float | None = None
        self._init_error: str | None = None
        self._kill_reason: str | None = None
        self._is_too_slow = False

    async def run(self) -> Ending:
        """Start the process and follow it to its end."""
        api = RuntimeApi(self, max_body_bytes=self._limits.max_response_bytes)
        try:
            ending = await self._run(api)
        finally:
            await api.close()
        self._drop_batch(ending.story)
        return ending

    def send(self, batch: Batch, event: bytes) -> None:
        """Hand over work; only after `replica_idle`, and once."""
        assert self._poll is not None
        poll, self._poll = self._poll, None
        self._batch = batch
        self._request_count += 1
        self.state = ReplicaState.BUSY
        self._due_at = batch.taken_at + self._limits.function_timeout_s
        due_ms = int((self._clock.wall() + self._limits.function_timeout_s) * 1000)
        trace_id = f"Root=1-{due_ms // 1000:08x}-{self._request_count:024x};Sampled=0"
        poll.send(Invocation(self._request_id, due_ms, self._function_arn, trace_id, event))

    def retire(self, drain_timeout_s: float) -> None:
        """Take no more work, finish what is under way within `drain_timeout_s`, then end."""
        if self._is_stopping:
            return
        self.state = ReplicaState.STOPPING
        if self._batch is None:
            self._end()
        else:
            asyncio.get_running_loop().call_later(drain_timeout_s, self._end)

    def check(self, now: float) -> None:
        """End the process if it takes too long or too much; to be called from time to time."""
        if self._process is None or self._process.has_ended:
            return
        if now >= self._due_at:
            self._end_late()
        elif self._process.occupied_bytes() > self._limits.replica_memory_mib * MIB:
            self._kill(f"used more than its memory limit of {self._limits.replica_memory_mib} MiB and was killed")

    def status(self) -> ReplicaStatus:
        pid = self._process.pid if self._process is not None else None
        return ReplicaStatus(
            self.replica_id, self.state, pid, str(self._log_path), self._started_at, self._rows_answered
        )

    def polled(self, poll: Poll) -> None:
        self._drop_batch("lost the input on its way")
        self._poll = poll
        if self._is_stopping:
            self._end()
            return
        self.state = ReplicaState.READY
        self._due_at = float("inf")
        if self._ready_at is None:
            self._ready_at = self._clock.now()
            self._owner.replica_ready()
        if not self._is_stopping:  # the owner may have had enough of them
            self._owner.replica_idle(self)

    def poll_lost(self, poll: Poll) -> None:
        if poll is self._poll:
            self._poll = None
            self._expect_poll()
            self._owner.replica_away(self)

    def is_under_way(self, request_id: str) -> bool:
        return self._batch is not None and request_id == self._request_id

    def answered(self, body: bytes | None) -> None:
        batch = self._finished()
        if body is not None:
            self._report(batch, read_result(body, batch.size))
        elif batch.size > 1:
            self._owner.replica_dropped(batch, "answered more bytes than are taken")  # a row alone may have fewer
        else:
            limit_mib = self._limits.max_response_bytes // MIB
            self._report(batch, [failed(f"the output has more than {limit_mib} MiB")])

    def failed(self, body: bytes | None) -> None:
        batch = self._finished()
        self._report(batch, [failed(read_failure(body or b""))] * batch.size)

    def init_failed(self, body: bytes | None) -> None:
        self._init_error = read_failure(body or b"")

    @property
    def _is_stopping(self) -> bool:
        return self.state is ReplicaState.STOPPING

    @property
    def _request_id(self) -> str:
        return f"{self._request_prefix}{self._request_count:012x}"

    async def _run(self, api: RuntimeApi) -> Ending:
        try:
            return self._ending(await self._serve(api))
        except ClipperError as error:  # before there was a process
            return Ending(self._is_stopping, None, "could not be started", str(error), error)
        except OSError as error:
            return self._ending(f"could not be started: {error}")
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
            return self._ending("was stopped while it was being started")

    async def _serve(self, api: RuntimeApi) -> str:
        self._preparation = asyncio.create_task(self._launcher.prepare())
        await self._preparation
        log_fd = self._logs.open(self.replica_id)
        try:
            self._process = await self._launcher.spawn(api, log_fd)
        finally:
            os.close(log_fd)
        self._due_at = self._clock.now() + self._limits.start_timeout_s
        if self._is_stopping:
            self._end()
        try:
            return await self._process.wait()
        finally:
            self._process.kill()

    def _finished(self) -> Batch:
        """The batch under way; it is no longer."""
        assert self._batch is not None
        batch, self._batch = self._batch, None
        self._expect_poll()
        self._rows_answered += batch.size
        if self._is_stopping:
            asyncio.get_running_loop().call_soon(self._end)
        else:
            self.state = ReplicaState.READY
        return batch

    def _expect_poll(self) -> None:
        """One that works on nothing and does not ask for work would be counted as ready, and answer nobody."""
        self._due_at = self._clock.now() + self._limits.function_timeout_s

    def _report(self, batch: Batch, results: list[RowResult]) -> None:
        self._owner.replica_answered(batch, results)

    def _drop_batch(self, why: str) -> None:
        if self._batch is not None:
            batch, self._batch = self._batch, None
            self._owner.replica_dropped(batch, why)

    def _end(self) -> None:
        if self._process is None:
            if self._preparation is not None:
                self._preparation.cancel()
        elif not self._process.has_ended:
            self._process.terminate()
            asyncio.get_running_loop().call_later(self._limits.stop_grace_s, self._end_now)

    def _end_late(self) -> None:
        if self.state is ReplicaState.STARTING:
            self._is_too_slow = True
            self._kill(f"was not ready within {self._limits.start_timeout_s:g} s and was killed")
        elif self._batch is None:
            self._kill(f"asked for no work within {self._limits.function_timeout_s:g} s and was killed")
        else:
            self._kill(f"worked on one batch for longer than {self._limits.function_timeout_s:g} s and was killed")

    def _kill(self, reason: str) -> None:
        self._kill_reason = reason
        self._due_at = float("inf")
        self._logs.note(self.replica_id, f"replica {self.replica_id} {reason}")
        self._end_now()

    def _end_now(self) -> None:
        if self._process is not None and not self._process.has_ended:
            self._process.kill()

    def _ending(self, exit_story: str) -> Ending:
        ready_for_s = None if self._ready_at is None else self._clock.now() - self._ready_at
        story = self._kill_reason or exit_story
        if self._init_error:
            story = f"could not load its function: {self._init_error}"
        summary = f"replica {self.replica_id} {story}; log: {self._log_path}"
        return Ending(self._is_stopping, ready_for_s, story, summary, self._start_error(summary))

    def _start_error(self, summary: str) -> ClipperError:
        tail = self._logs.tail(self.replica_id, self._limits.log_tail_lines)
        log = f"\nThe end of the log:\n{tail}" if tail else ""
        kind = ModelStartTimeoutError if self._is_too_slow else ModelStartError
        return kind(f"Model {self._model} did not start: {summary}{log}")
