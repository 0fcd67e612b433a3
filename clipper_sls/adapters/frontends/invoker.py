"""Asking the engine's function pools from a front end."""

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from typing import NamedTuple

from clipper_sls.adapters.frontends.channel import Channel
from clipper_sls.adapters.frontends.messages import Abandon, Answered, Ask, CameLate, unpacked_results
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, PackedRow, Predicted, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.model_invoker import LateOutput

LOST = Unanswered(DefaultReason.NO_REPLICA, "the engine is gone")
FULL = Unanswered(DefaultReason.OVERLOADED, "the engine does not keep up")
SILENT = Unanswered(DefaultReason.TIMED_OUT)

SWEEP_INTERVAL_S = 0.05
"""The engine keeps the deadlines. Should it not answer at all, a row is given up so long after its deadline."""

MAX_LATE = 10_000
"""Calls that are over and whose outputs may still come; the oldest are forgotten."""


class _Call(NamedTuple):
    answered: asyncio.Future[Sequence[RowResult]]
    row_count: int
    deadline: Deadline
    late: LateOutput | None


class EngineInvoker:
    """Implements `ModelInvoker` over the channel to the engine, where it is asked."""

    def __init__(self, channel: Channel, *, clock: Clock, calls: "itertools.count[int]") -> None:
        self._channel = channel
        self._clock = clock
        self._calls = calls
        self._asked: dict[int, _Call] = {}
        self._late: OrderedDict[int, LateOutput] = OrderedDict()
        self._sweep: asyncio.TimerHandle | None = None

    def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Awaitable[Sequence[RowResult]]:
        """See `ModelInvoker.invoke`."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Sequence[RowResult]] = loop.create_future()
        if self._channel.is_lost or self._channel.is_full:
            answered.set_result([LOST if self._channel.is_lost else FULL] * len(rows))
            return answered
        number = next(self._calls)
        self._asked[number] = _Call(answered, len(rows), deadline, late)
        answered.add_done_callback(lambda answered: self._abandon(number) if answered.cancelled() else None)
        self._channel.send(Ask(number, version.id, list(rows), deadline, caller))
        if self._sweep is None:
            self._sweep = loop.call_later(SWEEP_INTERVAL_S, self._give_up_overdue)
        return answered

    def answered(self, message: Answered) -> None:
        call, results = self._asked.pop(message.call, None), unpacked_results(message.results)
        if call is None:
            for index, result in enumerate(results):
                if isinstance(result, Predicted):
                    self._pass_on(message.call, index, result.output)
            return
        if any(isinstance(result, Unanswered) and result.reason is DefaultReason.TIMED_OUT for result in results):
            self._expect_late(message.call, call)
        if not call.answered.done():
            call.answered.set_result(results)

    def came_late(self, message: CameLate) -> None:
        self._pass_on(message.call, message.index, OutputJson(message.output))

    def lost(self) -> None:
        """The engine is gone: nobody waits for it any longer."""
        for number in tuple(self._asked):
            self._give_up(number, LOST)

    def _abandon(self, number: int) -> None:
        call = self._asked.pop(number, None)
        if call is not None:
            self._expect_late(number, call)
            self._channel.send(Abandon(number))

    def _pass_on(self, number: int, index: int, output: OutputJson) -> None:
        late = self._late.get(number)
        if late is not None:
            late(index, output)

    def _expect_late(self, number: int, call: _Call) -> None:
        if call.late is not None:
            self._late[number] = call.late
            if len(self._late) > MAX_LATE:
                self._late.popitem(last=False)

    def _give_up_overdue(self) -> None:
        overdue = self._clock.now() - SWEEP_INTERVAL_S
        for number in [number for number, call in self._asked.items() if call.deadline <= overdue]:
            self._expect_late(number, self._asked[number])
            self._give_up(number, SILENT)
        self._sweep = None
        if self._asked:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_INTERVAL_S, self._give_up_overdue)

    def _give_up(self, number: int, reason: Unanswered) -> None:
        call = self._asked.pop(number)
        if not call.answered.done():
            call.answered.set_result([reason] * call.row_count)
