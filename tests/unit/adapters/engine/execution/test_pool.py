"""A pool of environments, whose processes are coroutines here: they ask for work over the real Runtime API."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from clipper_sls.adapters.engine.execution.limits import ExecutionLimits
from clipper_sls.adapters.engine.execution.pool import EnvironmentPool
from clipper_sls.adapters.engine.log_files import VersionLogs
from clipper_sls.adapters.engine.runtime_api import RuntimeApi
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.functions.hosted import FunctionCall, FunctionOutcome, FunctionVersion, ImageCode, Throttled
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.errors import InvalidBundleError

FUNCTION = FunctionVersion("f", "1", "r", "arn:f", ImageCode("r@sha256:" + "a" * 64), timeout_s=10.0, memory_mib=128)
LIMITS = ExecutionLimits(idle_limit_s=0.0, max_environments=3, starting_at_once=2, stop_grace_s=0.5)
Handler = Callable[[bytes], Awaitable[bytes]]


class Process:
    """Stands for a function's process; ended by whoever cancels its task."""

    pid = None

    def __init__(self, serving: Awaitable[None]) -> None:
        self._task = asyncio.ensure_future(serving)

    @property
    def has_ended(self) -> bool:
        return self._task.done()

    async def wait(self) -> str:
        await asyncio.wait({self._task})
        return "ended with exit code 1"

    def terminate(self) -> None:
        self._task.cancel()

    def kill(self) -> None:
        self._task.cancel()

    def occupied_bytes(self) -> int:
        return 0


@dataclass
class Launcher:
    """`handler` answers events; what `start` raises is an error of the start."""

    handler: Handler
    fault: Exception | None = None
    dies_at_start: bool = False
    started: int = 0
    processes: list[Process] = field(default_factory=list)

    async def prepare(self) -> None:
        if self.fault is not None:
            raise self.fault

    async def spawn(self, api: RuntimeApi, log_fd: int) -> Process:
        self.started += 1
        port = await api.open()
        process = Process(self._serve(f"http://127.0.0.1:{port}/2018-06-01/runtime"))
        self.processes.append(process)
        return process

    async def _serve(self, url: str) -> None:
        async with httpx2.AsyncClient(trust_env=False, verify=False, timeout=30) as client:
            if self.dies_at_start:
                await client.post(f"{url}/init/error", content=b'{"errorType":"ImportError","errorMessage":"x"}')
                return
            with suppress(httpx2.HTTPError):
                while True:
                    event = await client.get(f"{url}/invocation/next")
                    request_id = event.headers["lambda-runtime-aws-request-id"]
                    answer = await self.handler(event.content)
                    await client.post(f"{url}/invocation/{request_id}/response", content=answer)


async def echo(event: bytes) -> bytes:
    return event


def call(number: int = 1) -> FunctionCall:
    return FunctionCall(f"id-{number}", "arn:f", str(number).encode())


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Callable[[Launcher], EnvironmentPool]]:
    pools: list[EnvironmentPool] = []

    def make(launcher: Launcher) -> EnvironmentPool:
        logs = VersionLogs(tmp_path, ModelId.of("f", "1"))
        pool = EnvironmentPool(function=FUNCTION, launcher=launcher, logs=logs, clock=SystemClock(), limits=LIMITS)
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        await pool.close()


Made = Callable[[Launcher], EnvironmentPool]


async def test_calls_one_after_another_share_an_environment(made: Made) -> None:
    launcher = Launcher(echo)
    pool = made(launcher)
    for number in range(3):
        assert await pool.run(call(number)) == FunctionOutcome(str(number).encode())
    assert launcher.started == 1


async def test_calls_at_once_get_an_environment_each(made: Made) -> None:
    both_are_here = asyncio.Barrier(2)

    async def meet(event: bytes) -> bytes:
        await both_are_here.wait()
        return event

    pool = made(Launcher(meet))
    answers = await asyncio.wait_for(asyncio.gather(pool.run(call(1)), pool.run(call(2))), 10)
    assert answers == [FunctionOutcome(b"1"), FunctionOutcome(b"2")]


async def test_more_calls_than_environments_are_throttled(made: Made) -> None:
    enough, all_are_here = asyncio.Event(), asyncio.Barrier(LIMITS.max_environments + 1)

    async def hold(event: bytes) -> bytes:
        await all_are_here.wait()
        await enough.wait()
        return event

    pool = made(Launcher(hold))
    calls = [asyncio.create_task(pool.run(call(number))) for number in range(LIMITS.max_environments)]
    await all_are_here.wait()
    refused = await pool.run(call(9))
    enough.set()
    assert isinstance(refused, Throttled)
    assert len(await asyncio.gather(*calls)) == 3


async def test_a_start_that_fails_is_told_to_who_waits_and_tried_again_for_the_next(made: Made) -> None:
    launcher = Launcher(echo, dies_at_start=True)
    pool = made(launcher)
    failed = await pool.run(call())
    assert isinstance(failed, FunctionOutcome)
    assert (failed.is_error, json.loads(failed.payload)["errorType"]) == (True, "ImportError")
    launcher.dies_at_start = False
    assert await pool.run(call(2)) == FunctionOutcome(b"2")


async def test_code_that_is_not_there_is_told(made: Made) -> None:
    failed = await made(Launcher(echo, fault=InvalidBundleError("no bundle; deploy it again"))).run(call())
    assert isinstance(failed, FunctionOutcome)
    assert json.loads(failed.payload) == {"errorType": "invalid_bundle", "errorMessage": "no bundle; deploy it again"}


async def test_a_process_that_dies_with_a_call_is_told(made: Made) -> None:
    async def hang(event: bytes) -> bytes:
        launcher.processes[0].kill()
        await asyncio.Event().wait()
        return event

    launcher = Launcher(hang)
    failed = await asyncio.wait_for(made(launcher).run(call()), 10)
    assert isinstance(failed, FunctionOutcome)
    assert json.loads(failed.payload)["errorType"] == "Runtime.ExitError"


async def test_who_goes_away_leaves_the_environment_for_the_next(made: Made) -> None:
    launcher = Launcher(echo)
    pool = made(launcher)
    left = asyncio.create_task(pool.run(call(1)))
    await asyncio.sleep(0)
    left.cancel()
    assert await asyncio.wait_for(pool.run(call(2)), 10) == FunctionOutcome(b"2")
    assert launcher.started == 1


async def test_what_is_provisioned_is_started_and_kept(made: Made) -> None:
    launcher = Launcher(echo)
    pool = made(launcher)
    pool.provision(2)
    assert await pool.run(call()) == FunctionOutcome(b"1")
    pool.look()  # nothing may be idle for longer than no time at all
    assert launcher.started == 2
    assert not pool.is_unused
    pool.provision(0)
    while not pool.is_unused:
        pool.look()
        await asyncio.sleep(0.01)  # until they have ended


async def test_what_is_kept_ready_no_more_ends_at_once(made: Made) -> None:
    launcher = Launcher(echo)
    pool = made(launcher)
    pool.provision(3)
    await pool.run(call())
    while not all(one.is_ready for one in pool.environments):  # noqa: ASYNC110 - until the last has started
        await asyncio.sleep(0.01)
    pool.provision(1)
    while len(pool.environments) > 1:  # noqa: ASYNC110 - until two have ended
        await asyncio.sleep(0.01)
    assert await pool.run(call(2)) == FunctionOutcome(b"2")
    assert launcher.started == 3


async def test_more_than_there_may_be_calls_at_one_time_end(made: Made) -> None:
    both_are_here = asyncio.Barrier(2)

    async def meet(event: bytes) -> bytes:
        await both_are_here.wait()
        return event

    pool = made(Launcher(meet))
    await asyncio.wait_for(asyncio.gather(pool.run(call(1)), pool.run(call(2))), 10)
    pool.limit(1)
    while len(pool.environments) > 1:  # noqa: ASYNC110 - until one has ended
        await asyncio.sleep(0.01)


async def test_one_may_be_started_before_the_first_call(made: Made) -> None:
    launcher = Launcher(echo)
    pool = made(launcher)
    pool.start_ahead()
    pool.start_ahead()
    assert await pool.run(call()) == FunctionOutcome(b"1")
    assert launcher.started == 1


async def test_a_provisioned_start_that_fails_is_not_tried_for_ever(made: Made) -> None:
    launcher = Launcher(echo, dies_at_start=True)
    pool = made(launcher)
    pool.provision(1)
    while not pool.is_unused:  # noqa: ASYNC110 - nobody tells that it has failed
        await asyncio.sleep(0.01)
    assert launcher.started == 1
