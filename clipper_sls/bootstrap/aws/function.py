"""What all functions of the stack have: settings, one event loop, time, a client, logs and metrics."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.adapters.aws.credentials import credentials_of
from clipper_sls.adapters.aws.endpoints import Endpoints
from clipper_sls.adapters.aws.invocation import Invocation, LambdaContext
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.powertools.emf_metrics import EmfMetrics
from clipper_sls.adapters.powertools.json_logs import log_json
from clipper_sls.config.aws_region import told_region
from clipper_sls.config.handler_settings import HandlerSettings, Switch
from clipper_sls.errors import InvalidSettingError

Event = dict[str, Any]
T = TypeVar("T")

RESERVE_S = 0.25
"""Of an invocation's time, for what comes after its last wait."""
SETTLE_S = 0.5
"""After its answer an environment is frozen. What is still being written then, to a cache, is waited for so long."""


class StackFunction:
    """One function's process. Its event loop lives as long, and connections stay open between invocations."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Raises InvalidSettingError."""
        self.settings = HandlerSettings.load(environment)
        self.names = self.settings.names
        self.clock = SystemClock()
        self.chance = random.Random()  # noqa: S311 - jitter, and names that need not be secret
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.invocation = Invocation(self.clock, reserve_s=RESERVE_S)
        self.service = environment.get("AWS_LAMBDA_FUNCTION_NAME", self.names.stack)
        self.logs = log_json(self.service, self.settings.log_level)
        self.metrics = EmfMetrics(self.names.stack)
        self.client = AwsClient(
            credentials=credentials_of(environment, self.clock),
            endpoints=Endpoints(_region(environment), environment),
            clock=self.clock,
            chance=self.chance.random,
        )
        self._traces = self._traced()

    def answer(
        self, context: LambdaContext, answer: Callable[[], T], *, name: str, about: Mapping[str, str] | None = None
    ) -> T:
        """What `answer` returns within this invocation, once what it began is done and its metrics are written."""
        self.invocation.begin(context)
        known = dict(about or {})
        self.logs.about(request_id=context.aws_request_id, **known)
        try:
            with self._traces(name, known):
                return answer()
        finally:
            self._settle()
            self.metrics.flush(context.aws_request_id)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def _settle(self) -> None:
        waiting = asyncio.all_tasks(self.loop)
        if waiting:
            left_s = self.invocation.ends_at() - self.clock.now() + RESERVE_S / 2
            self.loop.run_until_complete(asyncio.wait(waiting, timeout=max(0.0, min(SETTLE_S, left_s))))

    def _traced(self) -> Callable[[str, Mapping[str, str]], AbstractContextManager[None]]:
        if self.settings.tracing is Switch.OFF:
            return lambda name, about: nullcontext()
        from clipper_sls.adapters.powertools.traces import Traces

        traces = Traces(self.service)
        return lambda name, about: traces.invocation(name, **about)


def _region(environment: Mapping[str, str]) -> str:
    region = told_region(environment)
    if not region:
        raise InvalidSettingError("AWS_REGION is not set; Lambda sets it for every function")
    return region
