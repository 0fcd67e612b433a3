"""One execution environment: a process that answers one call at a time over its Runtime API, from start to end.

Reports to an `EnvironmentOwner`; decides nothing about other environments.
"""

import asyncio
import os
from contextlib import suppress
from typing import Protocol

from clipper_sls.adapters.engine.execution.call_log import CallLog
from clipper_sls.adapters.engine.execution.limits import ExecutionLimits
from clipper_sls.adapters.engine.launching import Launcher, RunningReplica
from clipper_sls.adapters.engine.replica_logs import ReplicaLogs
from clipper_sls.adapters.engine.runtime_api import Invocation, Poll, RuntimeApi
from clipper_sls.domain.functions.hosted import (
    MAX_RESPONSE_BYTES,
    FunctionCall,
    FunctionOutcome,
    FunctionVersion,
    exited,
    failed,
    timed_out,
    too_large,
)
from clipper_sls.errors import ClipperError
from clipper_sls.ports.clock import Clock

_NEVER_READY = "Runtime.InitError"


class EnvironmentOwner(Protocol):
    """Who hears of an environment."""

    def environment_idle(self, environment: "ExecutionEnvironment") -> None:
        """It waits for a call."""
        ...

    def environment_ended(self, environment: "ExecutionEnvironment", why_not_ready: FunctionOutcome | None) -> None:
        """It is gone; `why_not_ready` is what to tell a caller when it never waited for one."""
        ...


class ExecutionEnvironment:
    def __init__(
        self,
        *,
        number: int,
        function: FunctionVersion,
        launcher: Launcher,
        logs: ReplicaLogs,
        owner: EnvironmentOwner,
        clock: Clock,
        limits: ExecutionLimits,
    ) -> None:
        self.number = number
        self.is_ready = False  # it asked for work once
        self.calls = 0
        self.idle_since = clock.now()
        self._function = function
        self._launcher = launcher
        self._logs = logs
        self._owner = owner
        self._clock = clock
        self._limits = limits
        self._process: RunningReplica | None = None
        self._poll: Poll | None = None
        self._call: FunctionCall | None = None
        self._answer: asyncio.Future[FunctionOutcome] | None = None
        self._init_error: bytes | None = None
        self.is_stopping = False
        self._ending: str | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def is_coming(self) -> bool:
        """It will ask for work soon: it is starting, or has answered and not asked again yet."""
        return self._call is None and self._poll is None and not self.is_stopping

    async def live(self) -> None:
        """Start the process and follow it to its end."""
        api = RuntimeApi(self, max_body_bytes=MAX_RESPONSE_BYTES)
        why: FunctionOutcome | None = None
        try:
            how = await self._serve(api)
            why = self._why_not_ready(how)
        except (ClipperError, OSError) as error:
            how, code = f"could not be started: {error}", getattr(error, "code", _NEVER_READY)
            why = failed(code, str(error))
        finally:
            await api.close()
        if self._answer is not None and not self._answer.done() and self._call is not None:
            self._answer.set_result(exited(self._call.request_id, self._ending or how))
        self._owner.environment_ended(self, None if self.is_ready else why)

    async def handle(self, call: FunctionCall) -> FunctionOutcome:
        """Answer one call; only after `environment_idle`, and once. Never longer than the function's time-out.

        Who is cancelled here leaves the environment at work, as a caller of Lambda does who goes away.
        """
        if self._poll is None:
            return exited(call.request_id, "ended before it was asked")
        log = CallLog(self._logs.path(self.number), call, self._function, self._clock) if call.wants_log else None
        poll, self._poll, self._call = self._poll, None, call
        self._answer = asyncio.get_running_loop().create_future()
        self.calls += 1
        timer = asyncio.get_running_loop().call_later(self._function.timeout_s, self._time_out, call)
        self._answer.add_done_callback(lambda _: timer.cancel())
        due_ms = int((self._clock.wall() + self._function.timeout_s) * 1000)
        poll.send(Invocation(call.request_id, due_ms, call.arn, call.trace_id, call.event))
        outcome = await asyncio.shield(self._answer)
        return outcome if log is None else await log.added_to(outcome, self._process)

    def stop(self) -> None:
        """End the process: now when it is idle or starting, else when it has answered."""
        self.is_stopping = True
        if self._call is None:
            self._end()

    def kill(self) -> None:
        self.is_stopping = True
        if self._process is not None and not self._process.has_ended:
            self._process.kill()

    def polled(self, poll: Poll) -> None:
        self._poll = poll
        if self.is_stopping:
            self._end()
            return
        self.is_ready = True
        self.idle_since = self._clock.now()
        self._owner.environment_idle(self)

    def poll_lost(self, poll: Poll) -> None:
        if poll is self._poll:
            self._poll = None
            self.kill()  # it will not answer: nothing asks for work again on another connection

    def is_under_way(self, request_id: str) -> bool:
        return self._call is not None and request_id == self._call.request_id

    def answered(self, body: bytes | None) -> None:
        self._finish(too_large() if body is None else FunctionOutcome(body))

    def failed(self, body: bytes | None) -> None:
        self._finish(too_large() if body is None else FunctionOutcome(body, is_error=True))

    def init_failed(self, body: bytes | None) -> None:
        self._init_error = body

    async def _serve(self, api: RuntimeApi) -> str:
        await self._launcher.prepare()
        log_fd = self._logs.open(self.number)
        try:
            self._process = await self._launcher.spawn(api, log_fd)
        finally:
            os.close(log_fd)
        if self.is_stopping:
            self._end()
        timer = asyncio.get_running_loop().call_later(self._limits.start_timeout_s, self._start_too_slow)
        try:
            return await self._process.wait()
        finally:
            timer.cancel()
            self._process.kill()

    def _finish(self, outcome: FunctionOutcome) -> None:
        self._call = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(outcome)
        if self.is_stopping:
            asyncio.get_running_loop().call_soon(self._end)

    def _time_out(self, call: FunctionCall) -> None:
        self._logs.note(self.number, f"call {call.request_id} took longer than {self._function.timeout_s:g} s")
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(timed_out(call.request_id, self._function.timeout_s))
        self.kill()

    def _start_too_slow(self) -> None:
        if not self.is_ready:
            self._ending = f"was not ready within {self._limits.start_timeout_s:g} s"
            self.kill()

    def _why_not_ready(self, how: str) -> FunctionOutcome:
        if self._init_error is not None:
            return FunctionOutcome(self._init_error, is_error=True)
        tail = self._logs.tail(self.number, self._limits.log_tail_lines)
        text = f"The environment of {self._function.name} {self._ending or how}"
        return failed(_NEVER_READY, f"{text}. The end of its log:\n{tail}" if tail else text)

    def _end(self) -> None:
        if self._process is not None and not self._process.has_ended:
            self._process.terminate()
            asyncio.get_running_loop().call_later(self._limits.stop_grace_s, self._kill_late)

    def _kill_late(self) -> None:
        with suppress(ProcessLookupError):
            self.kill()
