"""Looking after something, again and again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from clipper_sls.ports.clock import Clock

_log = logging.getLogger(__name__)


class Watch:
    """A task that calls `look` every `interval_s`, whatever goes wrong meanwhile. `what` it is about is for the log."""

    def __init__(self, look: Callable[[], Awaitable[object]], *, clock: Clock, interval_s: float, what: str) -> None:
        self._look = look
        self._clock = clock
        self._interval_s = interval_s
        self._what = what
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Once it has begun this does nothing."""
        self._task = self._task or asyncio.create_task(self._keep_looking(), name=f"watch of {self._what}")

    async def close(self) -> None:
        """Look no more; it may begin again."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep_looking(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + self._interval_s)
            try:
                await self._look()
            except Exception:  # nobody else would look, so the next time has to come
                _log.exception("Looking after %s failed; trying again", self._what)
