"""Waiting for the moment in which nothing is left to do."""

import asyncio
from collections.abc import Callable


class Draining:
    """`is_drained` says whether it has come; whoever has done something that may have been the last calls `check`."""

    def __init__(self, is_drained: Callable[[], bool]) -> None:
        self._is_drained = is_drained
        self._awaited: asyncio.Event | None = None  # once somebody waits

    async def wait(self) -> None:
        """Return at once if it has come already."""
        if self._is_drained():
            return
        if self._awaited is None:
            self._awaited = asyncio.Event()
        await self._awaited.wait()

    def check(self) -> None:
        if self._awaited is not None and self._is_drained():
            self._awaited.set()
            self._awaited = None
