import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from clipper_sls.domain.functions.hosted import (
    CallResult,
    FunctionCall,
    FunctionOutcome,
    FunctionReference,
    FunctionVersion,
    Throttled,
    ZipCode,
    failed,
)
from clipper_sls.domain.queue_batches import QueueWindow
from clipper_sls.service.queue_windows import QueueWindows

JOBS = FunctionVersion("jobs", "$LATEST", "a", "arn", ZipCode("", "", "h", "python3.13"), timeout_s=3.0, memory_mib=128)
QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"
LONG = 60.0


@dataclass
class Catalog:
    kept: QueueWindow | None

    async def resolved(self, reference: FunctionReference, chance: float) -> FunctionVersion | None:
        raise AssertionError("the version is known")

    async def provisioned(self, reference: FunctionReference) -> int:
        raise AssertionError("nothing is provisioned")

    async def window(self, name: str, source: str) -> QueueWindow | None:
        assert (name, source) == ("jobs", QUEUE)
        return self.kept


@dataclass
class Runner:
    """Answers each call with `result`, or says that the messages named `bad...` have failed."""

    result: CallResult | None = None
    batches: list[list[str]] = field(default_factory=list)

    async def run(self, function: FunctionVersion, call: FunctionCall) -> CallResult:
        ids = [record.get("messageId", "") for record in json.loads(call.event).get("Records", [])]
        self.batches.append(ids)
        failures = [{"itemIdentifier": one} for one in ids if one.startswith("bad")]
        return self.result or FunctionOutcome(json.dumps({"batchItemFailures": failures}).encode())

    def start_ahead(self, function: FunctionVersion) -> None:
        raise AssertionError("nothing is started ahead")

    def provision(self, function: FunctionVersion, count: int) -> None:
        raise AssertionError("nothing is provisioned")


def messages(*ids: str) -> FunctionCall:
    records = [{"messageId": one, "eventSource": "aws:sqs", "eventSourceARN": QUEUE, "body": "x"} for one in ids]
    return FunctionCall("id", "arn", json.dumps({"Records": records}).encode())


def failures(result: CallResult) -> Any:
    assert isinstance(result, FunctionOutcome)
    return [one["itemIdentifier"] for one in json.loads(result.payload)["batchItemFailures"]]


async def test_batches_within_the_window_are_one_call_and_each_hears_of_its_own() -> None:
    runner = Runner()
    windows = QueueWindows(catalog=Catalog(QueueWindow(0.05, 100)), runner=runner)
    results = await asyncio.gather(windows.run(JOBS, messages("a", "bad-1")), windows.run(JOBS, messages("bad-2", "b")))
    assert runner.batches == [["a", "bad-1", "bad-2", "b"]]
    assert [failures(result) for result in results] == [["bad-1"], ["bad-2"]]


async def test_a_full_batch_does_not_wait() -> None:
    runner = Runner()
    windows = QueueWindows(catalog=Catalog(QueueWindow(LONG, 3)), runner=runner)
    calls = [windows.run(JOBS, messages("a", "b")), windows.run(JOBS, messages("c"))]
    await asyncio.wait_for(asyncio.gather(*calls), 10)
    assert runner.batches == [["a", "b", "c"]]


async def test_what_does_not_fit_begins_another_batch() -> None:
    runner = Runner()
    windows = QueueWindows(catalog=Catalog(QueueWindow(LONG, 3)), runner=runner)
    calls = [windows.run(JOBS, messages("a", "b")), windows.run(JOBS, messages("c", "d", "e"))]
    await asyncio.wait_for(asyncio.gather(*calls), 10)
    assert sorted(runner.batches) == [["a", "b"], ["c", "d", "e"]]


async def test_a_failure_of_the_whole_is_one_of_each_part() -> None:
    for whole in (failed("KeyError", "'x'"), Throttled("r", "d")):
        windows = QueueWindows(catalog=Catalog(QueueWindow(0.05, 100)), runner=Runner(whole))
        calls = [windows.run(JOBS, messages("a")), windows.run(JOBS, messages("b"))]
        assert await asyncio.gather(*calls) == [whole, whole]


async def test_without_a_window_each_batch_is_a_call() -> None:
    runner = Runner()
    windows = QueueWindows(catalog=Catalog(None), runner=runner)
    await asyncio.gather(windows.run(JOBS, messages("a")), windows.run(JOBS, messages("b")))
    assert sorted(runner.batches) == [["a"], ["b"]]


async def test_what_is_no_queues_event_is_passed_on() -> None:
    runner = Runner()
    windows = QueueWindows(catalog=Catalog(QueueWindow(LONG, 100)), runner=runner)
    for event in (b'{"rawPath": "/"}', b'{"Records": []}', b'{"Records": [{"eventSource": "aws:s3"}]}'):
        await asyncio.wait_for(windows.run(JOBS, FunctionCall("id", "arn", event)), 10)
    assert len(runner.batches) == 3
