"""Waiting for replicas to get ready, or for the first one to fail."""

import asyncio

from clipper_sls.errors import ClipperError


class Readiness:
    """What is known of a pool's start. Settled once it got ready, or failed, for the first time."""

    def __init__(self) -> None:
        self.settled = asyncio.Event()
        self._ready_count = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def wait_for(self, count: int) -> None:
        """Return when at least `count` replicas are ready; raises why one that was being started has failed."""
        if self._ready_count >= count:
            return
        entry = (count, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            await entry[1]
        finally:
            self._waiting.remove(entry)

    def ready(self, count: int, minimum: int) -> None:
        """There are `count` ready replicas now, of at least `minimum` that there should be."""
        self._ready_count = count
        if count >= minimum:
            self.settled.set()
        for wanted, future in self._waiting:
            if count >= wanted and not future.done():
                future.set_result(None)

    def failed(self, error: ClipperError) -> None:
        """A replica ended before it was ready."""
        self.settled.set()
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(error)
