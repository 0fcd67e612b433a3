"""What every feedback log must do. A subclass has the fixture `log`."""

import asyncio
import sys

import pytest

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.query import Feedback
from clipper_sls.ports.feedback_log import FeedbackLog


def _feedback(application: str, number: int) -> Feedback:
    return Feedback(AppName(application), number, b'[1.5, "\xc3\xa9"]', number / 2, received_at=1e9 + number)


class FeedbackLogContract:
    async def test_feedback_comes_back_as_it_was_in_order(self, log: FeedbackLog) -> None:
        given = [_feedback("shop", number) for number in (3, 1, 2, 2)]
        for feedback in given:
            await log.append(feedback)
        assert list(await log.read(AppName("shop"))) == given

    async def test_applications_do_not_see_each_others_feedback(self, log: FeedbackLog) -> None:
        await log.append(_feedback("shop", 1))
        await log.append(_feedback("bank", 2))
        assert [feedback.user_id for feedback in await log.read(AppName("bank"))] == [2]

    async def test_without_feedback_there_is_nothing_to_read(self, log: FeedbackLog) -> None:
        assert list(await log.read(AppName("shop"))) == []

    async def test_of_many_that_come_at_once_none_is_lost(self, log: FeedbackLog) -> None:
        given = [_feedback("shop", number) for number in range(40)]
        await asyncio.gather(*map(log.append, given))
        assert sorted(feedback.user_id for feedback in await log.read(AppName("shop"))) == list(range(40))

    @pytest.mark.parametrize("label", [0.1, -1.5, 1e300, 5e-324, sys.float_info.max])
    async def test_a_label_is_exact(self, log: FeedbackLog, label: float) -> None:
        await log.append(Feedback(AppName("shop"), -(2**31), b"[]", label, received_at=1e9))
        (feedback,) = await log.read(AppName("shop"))
        assert (repr(feedback.label), feedback.user_id) == (repr(label), -(2**31))
