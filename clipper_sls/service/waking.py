"""Waiting for an event or a moment, whichever comes first."""

import asyncio

from clipper_sls.ports.clock import Clock


async def event_or_moment(event: asyncio.Event, clock: Clock, moment: float) -> None:
    """Return when `event` is set, or `clock.now()` has reached `moment`."""
    waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep_until(moment))]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
