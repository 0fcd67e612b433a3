from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from clipper_sls.adapters.aws.dynamodb.feedback import DynamoFeedbackLog
from clipper_sls.adapters.aws.dynamodb.tables import SELECTION
from clipper_sls.adapters.local.memory_feedback import MemoryFeedbackLog
from clipper_sls.adapters.local.sqlite_feedback import SqliteFeedbackLog
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.testing.contracts.feedback_log import FeedbackLogContract
from clipper_sls.testing.dynamodb import MakeTable


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


class TestDynamoFeedbackLog(FeedbackLogContract):
    @pytest.fixture
    def log(self, new_table: MakeTable) -> DynamoFeedbackLog:
        return DynamoFeedbackLog(new_table(SELECTION), clock=SystemClock(), new_id=lambda: uuid4().hex)
