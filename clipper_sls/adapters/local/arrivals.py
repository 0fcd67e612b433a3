"""Waiting for what may come to a queue of this process."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from clipper_sls.ports.clock import Clock
from clipper_sls.service.waking import event_or_moment

T = TypeVar("T")


class Arrivals:
    """Who waits looks again when something came, or when something hidden can be seen again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._came = asyncio.Event()

    def announce(self) -> None:
        """Something came."""
        self._came.set()
        self._came = asyncio.Event()

    async def first(
        self,
        take: Callable[[], Awaitable[Sequence[T]]],
        next_visible: Callable[[], Awaitable[float | None]],
        wait_s: float,
    ) -> Sequence[T]:
        """What `take` finds, as soon as it finds something, and at the latest after `wait_s`.

        `next_visible` tells when, by `Clock.now`, something can be seen that cannot be seen yet.
        """
        until = self._clock.now() + wait_s
        while True:
            came = self._came
            found = await take()
            if found or self._clock.now() >= until:
                return found
            visible = await next_visible()
            await event_or_moment(came, self._clock, until if visible is None else min(until, visible))
