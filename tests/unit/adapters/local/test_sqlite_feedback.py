"""Feedback in its file: every number and every byte as it came, also after the file was closed."""

import sqlite3
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipper_sls.adapters.local.sqlite_feedback import SqliteFeedbackLog
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.query import Feedback
from clipper_sls.errors import StoreUnavailableError

APP = AppName("shop")

feedbacks = st.builds(
    Feedback,
    st.just(APP),
    st.integers(-(2**63), 2**63 - 1),
    st.binary(max_size=200),
    st.floats(allow_nan=False),
    st.floats(0, 4e9),
)


@given(st.lists(feedbacks, max_size=6))
@settings(max_examples=25, deadline=None)
async def test_any_feedback_is_there_after_the_file_was_closed(
    tmp_path_factory: pytest.TempPathFactory, expected: list[Feedback]
) -> None:
    path = tmp_path_factory.mktemp("round") / "feedback.sqlite3"
    log = SqliteFeedbackLog(path)
    for feedback in expected:
        await log.append(feedback)
    log.close()
    again = SqliteFeedbackLog(path)
    assert list(await again.read(APP)) == expected
    again.close()


async def test_feedback_that_cannot_be_kept_is_not_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite3"
    log = SqliteFeedbackLog(path)
    other = sqlite3.connect(path)
    other.execute("DROP TABLE feedback")
    other.close()
    with pytest.raises(StoreUnavailableError, match=str(path)):
        await log.append(Feedback(APP, 1, b"[1.0]", sys.float_info.max, 0.0))
    log.close()
