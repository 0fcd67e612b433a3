"""The engine's side of the channel to one front end: it is asked, told and counted for here."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from clipper_sls.adapters.frontends.adding_up import add_up
from clipper_sls.adapters.frontends.channel import Channel
from clipper_sls.adapters.frontends.messages import (
    FROM_FRONTEND,
    Abandon,
    Acknowledged,
    Answered,
    Ask,
    CameLate,
    Collect,
    FromFrontend,
    FrontendSetup,
    HandedBack,
    HandOver,
    Leaving,
    Ready,
    Registered,
    Reported,
    Welcome,
    packed_results,
)
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, RowResult, Unanswered
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import ModelInvoker
from clipper_sls.ports.request_forwarder import RequestForwarder, WholeAnswer

_log = logging.getLogger(__name__)

Settled = TypeVar("Settled")

_FAILED = Unanswered(DefaultReason.NO_REPLICA, "the engine failed; its log says why")
_ERROR = WholeAnswer(500, [(b"content-type", b"text/plain")], b"An unexpected error occurred!")


@dataclass(frozen=True, slots=True)
class EngineServices:
    """What the engine does for its front ends. `registry` returns the newest snapshot that they were told of."""

    invoker: ModelInvoker
    forwarder: RequestForwarder
    metrics: Metrics
    registry: Callable[[], RegistrySnapshot]


class FrontendLink:
    """`changed` is called when the front end got ready, acknowledged a revision, wants to leave, or is gone."""

    def __init__(self, services: EngineServices, changed: Callable[[], None]) -> None:
        self._services = services
        self._changed = changed
        self._pending: dict[int, asyncio.Future[Sequence[RowResult]] | asyncio.Future[WholeAnswer]] = {}
        self._unacknowledged: list[tuple[int, asyncio.Future[bool]]] = []
        self._unreported: dict[int, asyncio.Future[None]] = {}
        self._collects = 0
        self.channel = Channel(FROM_FRONTEND, self._received, self._lost)
        self.revision = -1  # that it has acknowledged
        self.is_ready = False
        self.is_leaving = False
        self._doers: dict[type, Callable[..., None]] = {
            Ask: self._ask,
            Abandon: self._abandon,
            HandOver: self._hand_over,
            Reported: self._reported,
            Acknowledged: self._acknowledged,
            Ready: self._ready,
            Leaving: self._leaving,
        }

    def welcome(self, setup: FrontendSetup, registry: Registered) -> None:
        self.channel.send(Welcome(setup))
        self.channel.send(registry)

    def tell(self, registry: Registered) -> "asyncio.Future[bool]":
        """Whether the front end, in the end, answers by this registry; False when it went away."""
        acknowledged: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self.channel.is_lost:
            acknowledged.set_result(False)
        else:
            self._unacknowledged.append((registry.revision, acknowledged))
            self.channel.send(registry)
        return acknowledged

    def collect(self) -> "asyncio.Future[None]":
        """Done when all that was counted by now has been added up, or the front end went away."""
        self._collects += 1
        reported: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.channel.is_lost:
            reported.set_result(None)
        else:
            self._unreported[self._collects] = reported
            self.channel.send(Collect(self._collects))
        return reported

    def _received(self, message: FromFrontend) -> None:
        self._doers[type(message)](message)

    def _lost(self) -> None:
        """Nobody waits for answers any more, and nothing more will be acknowledged."""
        for pending in self._pending.values():
            pending.cancel()
        for _, acknowledged in self._unacknowledged:
            _settle(acknowledged, False)
        for reported in self._unreported.values():
            _settle(reported, None)
        self._changed()

    def _ask(self, message: Ask) -> None:
        name, version = message.model
        call, found = message.call, self._services.registry().versions.get(ModelId.sought(name, version))
        if found is None:
            reason = Unanswered(DefaultReason.NO_REPLICA, f"model {name}:{version} is not registered")
            self.channel.send(Answered(call, [reason] * len(message.rows)))
            return
        late = partial(self._late, call)
        asked = self._services.invoker.invoke(found, message.rows, Deadline(message.deadline), late, message.caller)
        pending = asyncio.ensure_future(asked)
        self._pending[call] = pending
        pending.add_done_callback(partial(self._answer, call, len(message.rows)))

    def _answer(self, call: int, row_count: int, answered: "asyncio.Future[Sequence[RowResult]]") -> None:
        del self._pending[call]
        if answered.cancelled():
            return
        error = answered.exception()
        if error is not None:
            _log.error("Asking a model for a front end failed", exc_info=error)
        results = answered.result() if error is None else [_FAILED] * row_count
        self.channel.send(Answered(call, packed_results(results)))

    def _late(self, call: int, index: int, output: OutputJson) -> None:
        self.channel.send(CameLate(call, index, output))

    def _abandon(self, message: Abandon) -> None:
        pending = self._pending.get(message.call)
        if pending is not None:
            pending.cancel()

    def _hand_over(self, message: HandOver) -> None:
        forwarded: Awaitable[WholeAnswer] = self._services.forwarder.forward(message.request)
        pending = asyncio.ensure_future(forwarded)
        self._pending[message.call] = pending
        pending.add_done_callback(partial(self._hand_back, message.call))

    def _hand_back(self, call: int, answered: "asyncio.Future[WholeAnswer]") -> None:
        del self._pending[call]
        if answered.cancelled():
            return
        error = answered.exception()
        if error is not None:
            _log.error("Answering a request for a front end failed", exc_info=error)
        self.channel.send(HandedBack(call, answered.result() if error is None else _ERROR))

    def _reported(self, message: Reported) -> None:
        add_up(message.report, self._services.metrics)
        reported = self._unreported.pop(message.wanted, None)
        if reported is not None:
            _settle(reported, None)

    def _acknowledged(self, message: Acknowledged) -> None:
        self.revision = max(self.revision, message.revision)
        for revision, acknowledged in self._unacknowledged:
            if revision <= self.revision:
                _settle(acknowledged, True)
        self._unacknowledged = [entry for entry in self._unacknowledged if not entry[1].done()]
        self._changed()

    def _ready(self, message: Ready) -> None:
        self.is_ready = True
        self._changed()

    def _leaving(self, message: Leaving) -> None:
        self.is_leaving = True
        self._changed()


def _settle(future: "asyncio.Future[Settled]", result: Settled) -> None:
    if not future.done():
        future.set_result(result)
