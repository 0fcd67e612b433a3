from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from clipper_sls.adapters.aws.dynamodb.selection_states import DynamoSelectionStates
from clipper_sls.adapters.aws.dynamodb.tables import SELECTION
from clipper_sls.adapters.local.memory_selection_states import MemorySelectionStates
from clipper_sls.adapters.local.sqlite_selection_states import SqliteSelectionStates
from clipper_sls.testing.contracts.selection_state_store import SelectionStateStoreContract
from clipper_sls.testing.dynamodb import MakeTable


class TestMemorySelectionStates(SelectionStateStoreContract):
    @pytest.fixture
    def states(self) -> MemorySelectionStates:
        return MemorySelectionStates()


class TestSqliteSelectionStates(SelectionStateStoreContract):
    @pytest.fixture
    def states(self, tmp_path: Path) -> Iterator[SqliteSelectionStates]:
        states = SqliteSelectionStates(tmp_path / "selection.sqlite3")
        yield states
        states.close()


class TestDynamoSelectionStates(SelectionStateStoreContract):
    @pytest.fixture
    def states(self, new_table: MakeTable) -> DynamoSelectionStates:
        return DynamoSelectionStates(new_table(SELECTION), new_id=lambda: uuid4().hex)
