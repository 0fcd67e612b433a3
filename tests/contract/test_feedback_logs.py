from collections.abc import Iterator
from pathlib import Path

import pytest

from clipper_sls.adapters.local.memory_feedback import MemoryFeedbackLog
from clipper_sls.adapters.local.sqlite_feedback import SqliteFeedbackLog
from clipper_sls.testing.contracts.feedback_log import FeedbackLogContract


class TestMemoryFeedbackLog(FeedbackLogContract):
    @pytest.fixture
    def log(self) -> MemoryFeedbackLog:
        return MemoryFeedbackLog()


class TestSqliteFeedbackLog(FeedbackLogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[SqliteFeedbackLog]:
        log = SqliteFeedbackLog(tmp_path / "feedback.sqlite3")
        yield log
        log.close()
