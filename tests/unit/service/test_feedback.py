"""Feedback is acknowledged once it is kept, and not before."""

import pytest

from clipper_sls.adapters.local.memory_feedback import MemoryFeedbackLog
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Feedback
from clipper_sls.domain.records import Application
from clipper_sls.errors import StorageFullError
from clipper_sls.service.feedback import FeedbackService
from clipper_sls.testing import ManualClock

SHOP = Application(AppName("shop"), InputType.DOUBLES, "", 1_000)


class FullLog(MemoryFeedbackLog):
    async def append(self, feedback: Feedback) -> None:
        raise StorageFullError("no space")


async def test_it_is_kept_with_the_time_of_day_at_which_it_came() -> None:
    log, clock = MemoryFeedbackLog(), ManualClock()
    service = FeedbackService(log=log, clock=clock)
    await service.record(SHOP, 7, b"[1.0]", 0.5)
    await clock.advance(60.0)
    await service.record(SHOP, 7, b"[1.0]", 0.75)
    first, second = await log.read(SHOP.name)
    assert first == Feedback(SHOP.name, 7, b"[1.0]", 0.5, received_at=clock.wall() - 60.0)
    assert (second.label, second.received_at) == (0.75, clock.wall())


async def test_a_log_that_keeps_nothing_is_not_passed_over() -> None:
    with pytest.raises(StorageFullError):
        await FeedbackService(log=FullLog(), clock=ManualClock()).record(SHOP, 7, b"[1.0]", 0.5)
