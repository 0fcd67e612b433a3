from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from clipper_sls.adapters.aws.dynamodb.registry import DynamoRegistry
from clipper_sls.adapters.aws.dynamodb.tables import REGISTRY
from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.adapters.local.sqlite_registry import SqliteRegistry
from clipper_sls.testing.contracts.registry import RegistryContract
from clipper_sls.testing.dynamodb import MakeTable


class TestMemoryRegistry(RegistryContract):
    @pytest.fixture
    def registry(self) -> MemoryRegistry:
        return MemoryRegistry()


class TestSqliteRegistry(RegistryContract):
    @pytest.fixture
    def registry(self, tmp_path: Path) -> Iterator[SqliteRegistry]:
        registry = SqliteRegistry(tmp_path / "registry.sqlite3")
        yield registry
        registry.close()


class TestDynamoRegistry(RegistryContract):
    @pytest.fixture
    def registry(self, new_table: MakeTable) -> DynamoRegistry:
        return DynamoRegistry(new_table(REGISTRY), new_id=lambda: uuid4().hex)
