import asyncio

from clipper_sls.service.watch import Watch
from clipper_sls.testing.clock import SkippingClock


class _Looked:
    """Goes wrong the first time."""

    def __init__(self, enough: int) -> None:
        self.times = 0
        self.is_enough = asyncio.Event()
        self._enough = enough

    async def look(self) -> None:
        self.times += 1
        if self.times == self._enough:
            self.is_enough.set()
        if self.times == 1:
            raise RuntimeError("the first time")


async def test_it_looks_again_after_a_look_that_went_wrong_until_it_is_closed() -> None:
    looked = _Looked(enough=3)
    watch = Watch(looked.look, clock=SkippingClock(), interval_s=1.0, what="a test")
    watch.begin()
    watch.begin()
    async with asyncio.timeout(5):
        await looked.is_enough.wait()
    await watch.close()
    times = looked.times
    for _ in range(10):
        await asyncio.sleep(0)
    assert looked.times == times


async def test_one_that_never_began_can_be_closed() -> None:
    await Watch(_Looked(enough=1).look, clock=SkippingClock(), interval_s=1.0, what="a test").close()
