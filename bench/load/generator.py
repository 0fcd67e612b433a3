"""The load generator's process: reads a Job as MessagePack from standard input, writes the Outcome into a file."""

import asyncio
import contextlib
import gc
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop

from bench.load.answers import Judged, Verdict, judge
from bench.load.connections import Connection, open_connections
from bench.load.framing import response_of
from bench.load.job import Job, Outcome
from bench.load.timer import Timer

NEVER = float("inf")


class _Asked(NamedTuple):
    """`received`: all bytes of the response; None if there was none."""

    number: int
    due_at: float
    sent_at: float
    answered_at: float
    received: bytes | None


class Generator:
    """Asks what its job says; `asked` has every query afterwards, the unanswered ones included."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._arrivals = job.arrivals
        self._requests = job.requests
        self._next_number = job.first_number
        self._finished = asyncio.Event()
        self._opened: list[Connection] = []
        self._free: list[Connection] = []  # the last one freed is used first: few connections at little load
        self._waiting: deque[float] = deque()
        self._released = 0
        self._end = NEVER
        self._is_over = False
        self.asked: list[_Asked] = []
        self.cpu_s = 0.0
        self.started_at = 0.0

    async def run(self) -> None:
        self._opened = await open_connections(self._job.port, self._job.connections, self._answered, self._lost)
        gc.collect()
        gc.disable()  # what is kept grows all the time, and is no garbage
        cpu_before = time.process_time()
        self.started_at = time.perf_counter()
        await (self._closed_loop() if self._arrivals is None else self._open_loop(self._arrivals))
        self.cpu_s = time.process_time() - cpu_before
        self._is_over = True
        for connection in self._opened:
            if connection.is_asking:
                self._add(connection, NEVER, None)
            connection.close()
        self.asked.extend(_Asked(-1, due_at, NEVER, NEVER, None) for due_at in self._waiting)

    async def _closed_loop(self) -> None:
        self._end = self.started_at + self._job.seconds
        for connection in list(self._opened):
            self._ask(connection, time.perf_counter())
        await self._wait()

    async def _open_loop(self, arrivals: Sequence[float]) -> None:
        self._free.extend(self._opened)
        timer = Timer(asyncio.get_running_loop(), lambda: self._release(arrivals, timer))
        self._release(arrivals, timer)
        await self._wait()
        timer.close()

    def _release(self, arrivals: Sequence[float], timer: Timer) -> None:
        """Send what is due, and come again when the next is."""
        passed = time.perf_counter() - self.started_at
        while self._released < len(arrivals) and arrivals[self._released] <= passed:
            self._waiting.append(self.started_at + arrivals[self._released])
            self._released += 1
        while self._waiting and self._free:
            self._ask(self._free.pop(), self._waiting.popleft())
        if self._released < len(arrivals):
            timer.start(self.started_at + arrivals[self._released] - time.perf_counter())
        else:
            self._stop_if_done()

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._finished.wait(), self._job.seconds + self._job.grace_s)

    def _ask(self, connection: Connection, due_at: float) -> None:
        number = self._next_number
        self._next_number = number + 1
        connection.number = number
        connection.due_at = due_at
        connection.is_asking = True
        connection.sent_at = time.perf_counter()
        request = self._requests[number % len(self._requests)]
        connection.write(request.bytes_of(number if self._job.is_distinct else 0))

    def _add(self, connection: Connection, now: float, received: bytes | None) -> None:
        connection.is_asking = False
        self.asked.append(_Asked(connection.number, connection.due_at, connection.sent_at, now, received))

    def _answered(self, connection: Connection, received: bytes) -> None:
        now = time.perf_counter()
        self._add(connection, now, received)
        self._go_on(connection, now)

    def _go_on(self, connection: Connection, now: float) -> None:
        if self._arrivals is None:
            if now < self._end:
                self._ask(connection, now)
            else:
                self._stop_if_done()
        elif self._waiting:
            self._ask(connection, self._waiting.popleft())
        else:
            self._free.append(connection)
            if self._released == len(self._arrivals):
                self._stop_if_done()

    def _stop_if_done(self) -> None:
        if len(self.asked) == self._next_number - self._job.first_number and not self._waiting:
            self._finished.set()

    def _lost(self, connection: Connection) -> None:
        if self._is_over:
            return
        if connection.is_asking:
            self._add(connection, time.perf_counter(), None)
        elif connection in self._free:
            self._free.remove(connection)
        self._opened.remove(connection)
        asyncio.get_running_loop().create_task(self._open_another())

    async def _open_another(self) -> None:
        with contextlib.suppress(OSError):  # a server that is gone answers nothing more
            opened = await open_connections(self._job.port, 1, self._answered, self._lost)
            self._opened.extend(opened)
            self._go_on(opened[0], time.perf_counter())

    def outcome(self) -> Outcome:
        """Looks at each answer only now, when nobody is waiting."""
        judged = [self._judged(one) for one in self.asked]
        return Outcome(
            due_s=[one.due_at - self.started_at for one in self.asked],
            latency_s=[one.answered_at - one.due_at for one in self.asked],
            verdicts=[int(verdict) for verdict, _ in judged],
            reasons=dict(Counter(reason for _, reason in judged if reason)),
            seconds=self._job.seconds,
            generator_cpu_s=self.cpu_s,
            late_s=[] if self._arrivals is None else sorted(one.sent_at - one.due_at for one in self.asked),
        )

    def _judged(self, one: _Asked) -> Judged:
        if one.received is None:
            return Judged(Verdict.UNFINISHED if one.answered_at == NEVER else Verdict.FAILED)
        expected = self._requests[one.number % len(self._requests)].answer_of(
            one.number if self._job.is_distinct else 0
        )
        return judge(*response_of(one.received), expected)


async def generate(job: Job) -> Outcome:
    generator = Generator(job)
    await generator.run()
    return generator.outcome()


def main() -> None:
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    Path(sys.argv[1]).write_bytes(msgspec.msgpack.encode(uvloop.run(generate(job))))


if __name__ == "__main__":
    main()
