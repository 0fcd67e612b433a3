from collections.abc import Iterator
from pathlib import Path

import pytest

from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.adapters.local.sqlite_registry import SqliteRegistry
from clipper_sls.testing.contracts.registry import RegistryContract


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
