"""The machine's time."""

import asyncio
import time


class SystemClock:
    """`now` is the clock of the event loop too, so its moments may be given to `loop.call_at`."""

    now = staticmethod(time.monotonic)

    def wall(self) -> float:
        return time.time()

    async def sleep_until(self, moment: float) -> None:
        await asyncio.sleep(max(0.0, moment - self.now()))
