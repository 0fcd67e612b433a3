"""A prediction from the service's door to its answer: by Lambda, and by the cache."""

import asyncio
import struct
from collections.abc import Callable
from itertools import count

from bench.aws.callers import aws_client
from clipper_sls.adapters.aws.lambda_call import LambdaCall
from clipper_sls.adapters.aws.lambda_invoker import LambdaInvoker
from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.functions.published import PublishedFunction
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline, Predicted
from clipper_sls.domain.records import ModelVersion
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.testing.fakes import RecordingMetrics

VERSION = ModelVersion(
    ModelId.of("m", 1), InputType.DOUBLES, bundle_digest="a" * 64, function=PublishedFunction("f", "7", "current")
)
_LIMIT_S = 10.0


def predictions(url: str, loop: asyncio.AbstractEventLoop) -> dict[str, Callable[[], None]]:
    """Each enters the loop, as a handler does."""
    clock, metrics = SystemClock(), RecordingMetrics()
    call = LambdaCall(client=aws_client(url), payloads=None, metrics=metrics)
    answers = ModelAnswers(
        invoker=LambdaInvoker(call=call, clock=clock, metrics=metrics),
        cache=MemoryPredictionCache(64_000_000, clock=clock),
        clock=clock,
        metrics=metrics,
    )
    numbers = count()

    async def ask(number: int) -> None:
        row = struct.pack("<64d", *([float(number)] * 64))
        (result,) = await answers.ask(VERSION, [row], Deadline(clock.now() + _LIMIT_S))
        assert type(result) is Predicted

    loop.run_until_complete(ask(-1))
    return {
        "cache miss, to Lambda": lambda: loop.run_until_complete(ask(next(numbers))),
        "cache hit": lambda: loop.run_until_complete(ask(-1)),
    }
