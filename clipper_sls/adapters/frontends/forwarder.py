"""Handing whole requests to the engine."""

import asyncio
import itertools

from clipper_sls.adapters.frontends.channel import Channel
from clipper_sls.adapters.frontends.messages import Abandon, HandedBack, HandOver
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.request_forwarder import WholeAnswer, WholeRequest


class EngineForwarder:
    """Implements `RequestForwarder`."""

    def __init__(self, channel: Channel, *, calls: "itertools.count[int]") -> None:
        self._channel = channel
        self._calls = calls
        self._asked: dict[int, asyncio.Future[WholeAnswer]] = {}

    async def forward(self, request: WholeRequest) -> WholeAnswer:
        if self._channel.is_lost:
            raise _gone()
        number = next(self._calls)
        self._asked[number] = asyncio.get_running_loop().create_future()
        self._channel.send(HandOver(number, request))
        try:
            return await self._asked[number]
        except asyncio.CancelledError:
            self._channel.send(Abandon(number))
            raise
        finally:
            del self._asked[number]

    def handed_back(self, message: HandedBack) -> None:
        answered = self._asked.get(message.call)
        if answered is not None and not answered.done():
            answered.set_result(message.answer)

    def lost(self) -> None:
        """The engine is gone."""
        for answered in self._asked.values():
            if not answered.done():
                answered.set_exception(_gone())


def _gone() -> StoreUnavailableError:
    return StoreUnavailableError("The engine behind this front end is gone; ask again, another one takes over")
