"""Time that stands still until a test moves it."""

import asyncio


class ManualClock:
    """`sleep_until` parks the caller; `advance` lets those go whose moment has come."""

    def __init__(self, now: float = 1_000.0, wall: float = 1_700_000_000.0) -> None:
        self._now = now
        self._wall_offset = wall - now
        self._parked: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now + self._wall_offset

    async def sleep_until(self, moment: float) -> None:
        if moment > self._now:
            event = asyncio.Event()
            self._parked.append((moment, event))
            await event.wait()

    async def advance(self, seconds: float) -> None:
        """Move time, and let what it wakes run until it waits again."""
        self._now += seconds
        for moment, event in self._parked:
            if moment <= self._now:
                event.set()
        self._parked = [(moment, event) for moment, event in self._parked if not event.is_set()]
        await asyncio.sleep(0)


class SkippingClock(ManualClock):
    """Whoever waits has waited already."""

    async def sleep_until(self, moment: float) -> None:
        self._now = max(self._now, moment)
        await asyncio.sleep(0)
