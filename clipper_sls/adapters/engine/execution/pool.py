"""The environments of one function's version: one more for every call that finds all at work.

As on AWS Lambda, an environment answers one call at a time, ends when nobody has called for a while, and a start that
fails is told to a caller. Unlike there, a call that waits for an environment to start takes one that gets free before.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from clipper_sls.adapters.engine.execution.environment import ExecutionEnvironment
from clipper_sls.adapters.engine.execution.limits import ExecutionLimits
from clipper_sls.adapters.engine.launching import Launcher
from clipper_sls.adapters.engine.replica_logs import ReplicaLogs
from clipper_sls.domain.functions.hosted import CallResult, FunctionCall, FunctionOutcome, FunctionVersion, Throttled
from clipper_sls.ports.clock import Clock

Turn = asyncio.Future[ExecutionEnvironment | FunctionOutcome]


class EnvironmentPool:
    def __init__(
        self, *, function: FunctionVersion, launcher: Launcher, logs: ReplicaLogs, clock: Clock, limits: ExecutionLimits
    ) -> None:
        self.function = function
        self._launcher = launcher
        self._logs = logs
        self._clock = clock
        self._limits = limits
        self._next_number = logs.next_id()
        self._environments: dict[ExecutionEnvironment, asyncio.Task[None]] = {}
        self._idle: list[ExecutionEnvironment] = []  # who came last is asked first
        self._waiting: deque[Turn] = deque()
        self._provisioned = 0
        self._surplus = 0  # environments that were kept ready, and shall end
        self._most: int | None = None
        self._is_closing = False

    async def run(self, call: FunctionCall) -> CallResult:
        """See `FunctionRunner.run`."""
        turn = await self._turn()
        match turn:
            case ExecutionEnvironment():
                return await turn.handle(call)
            case _:
                return turn

    def start_ahead(self) -> None:
        """Start one, if there is none, before anybody calls."""
        if not self._environments and not self._is_closing:
            self._start()

    def provision(self, count: int) -> None:
        """Keep `count` ready; what was kept and is no more ends at once, or when it has answered."""
        self._surplus = max(0, self._provisioned - count)
        self._provisioned = count
        self._end_surplus()
        self._grow()

    def limit(self, most: int | None) -> None:
        """There are no more calls than `most` at one time: what is more than that, and not kept ready, ends."""
        self._most = most
        self._end_surplus()

    def look(self) -> None:
        """To be called from time to time: ends environments that nobody has called for a while, bounds logs."""
        limits = self._limits
        limit_s = min(limits.idle_limit_s, limits.spare_limit_s) if self._provisioned else limits.idle_limit_s
        before = self._clock.now() - limit_s
        for environment in [one for one in self._idle if one.idle_since < before]:
            if self._live_count > self._provisioned:
                self._idle.remove(environment)
                environment.stop()
        self._logs.bound([one.number for one in self._environments], limits.log_bytes)

    def status(self) -> dict[str, object]:
        """For people: the function, its version, and each environment with its process and how often it was called."""
        environments = [
            {"number": one.number, "pid": one.pid, "ready": one.is_ready, "calls": one.calls}
            for one in self._environments
        ]
        return {
            "function": self.function.name,
            "version": self.function.number,
            "provisioned": self._provisioned,
            "environments": environments,
        }

    def retire(self) -> None:
        """End what is idle now and keep nothing ready: there is a newer one of the same name and version."""
        self._provisioned = 0
        while self._idle:
            self._idle.pop().stop()

    @property
    def environments(self) -> Sequence[ExecutionEnvironment]:
        return tuple(self._environments)

    @property
    def is_unused(self) -> bool:
        return not (self._environments or self._waiting or self._provisioned)

    async def close(self) -> None:
        """Refuse what waits, let the calls under way be answered for a moment, and leave no process behind."""
        self._is_closing = True
        while self._waiting:
            _give(self._waiting.popleft(), _SHUT_DOWN)
        for environment in self._environments:
            environment.stop()
        tasks = tuple(self._environments.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=2 * self._limits.stop_grace_s)
            for environment in tuple(self._environments):
                environment.kill()
            for task in late:
                with suppress(asyncio.CancelledError, TimeoutError):
                    await asyncio.wait_for(task, self._limits.stop_grace_s)

    def environment_idle(self, environment: ExecutionEnvironment) -> None:
        while self._waiting:
            if _give(self._waiting.popleft(), environment):
                self._grow()
                return
        self._idle.append(environment)
        self._end_surplus()

    def environment_ended(self, environment: ExecutionEnvironment, why_not_ready: FunctionOutcome | None) -> None:
        self._environments.pop(environment, None)
        if environment in self._idle:
            self._idle.remove(environment)
        if why_not_ready is not None:
            self._provisioned = 0  # else it would be started again and again
            while self._waiting and not _give(self._waiting.popleft(), why_not_ready):
                pass
        self._logs.prune(self._limits.max_log_files, [one.number for one in self._environments])
        self._grow()

    @property
    def _live_count(self) -> int:
        return sum(not one.is_stopping for one in self._environments)

    @property
    def _has_surplus(self) -> bool:
        live, kept = self._live_count, self._provisioned
        return (self._surplus > 0 and live > kept) or (self._most is not None and live > max(self._most, kept))

    def _end_surplus(self) -> None:
        while self._idle and self._has_surplus:
            self._idle.pop(0).stop()  # who has been idle for longest
            self._surplus = max(0, self._surplus - 1)

    async def _turn(self) -> ExecutionEnvironment | FunctionOutcome | Throttled:
        if self._is_closing:
            return _SHUT_DOWN
        if self._idle:
            return self._idle.pop()
        if self._live_count >= self._limits.max_environments:
            return Throttled(
                "ConcurrentInvocationLimitExceeded",
                f"{self.function.name} has {self._live_count} environments at work, the most that it may have",
            )
        turn: Turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._grow()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and isinstance(given := turn.result(), ExecutionEnvironment):
                self.environment_idle(given)
            raise

    def _grow(self) -> None:
        """Start what is missing for those who wait and for what is provisioned, a few at a time."""
        if self._is_closing:
            return
        starting = sum(not one.is_ready for one in self._environments)
        coming = sum(one.is_coming for one in self._environments)
        waiting = sum(not turn.done() for turn in self._waiting)
        missing = max(waiting - coming, self._provisioned - self._live_count)
        room = min(self._limits.starting_at_once - starting, self._limits.max_environments - self._live_count)
        for _ in range(min(missing, room)):
            self._start()

    def _start(self) -> None:
        number, self._next_number = self._next_number, self._next_number + 1
        environment = ExecutionEnvironment(
            number=number,
            function=self.function,
            launcher=self._launcher,
            logs=self._logs,
            owner=self,
            clock=self._clock,
            limits=self._limits,
        )
        name = f"{self.function.name}:{self.function.number}/{number}"
        self._environments[environment] = asyncio.create_task(environment.live(), name=name)


_SHUT_DOWN = FunctionOutcome(
    b'{"errorType":"Runtime.ExitError","errorMessage":"The function was stopped before it was asked"}', is_error=True
)


def _give(turn: Turn, what: ExecutionEnvironment | FunctionOutcome) -> bool:
    """Whether somebody was still waiting."""
    if turn.done():
        return False
    turn.set_result(what)
    return True
