"""Where replicas print to, as far as an engine has to know."""

import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Protocol

from clipper_sls.domain.identifiers import ModelId

STANDARD_OUTPUT = Path("/dev/stdout")


class ReplicaLogs(Protocol):
    """The logs of one model version's replicas."""

    def next_id(self) -> int:
        """The first id that no replica of this version has had."""
        ...

    def path(self, replica_id: int) -> Path:
        """Where somebody finds the log."""
        ...

    def open(self, replica_id: int) -> int:
        """A descriptor for a replica's output."""
        ...

    def note(self, replica_id: int, sentence: str) -> None:
        """Add what the engine did to a replica to that replica's log."""
        ...

    def tail(self, replica_id: int, line_count: int) -> str:
        """The last lines of a log; empty when there are none that can be read again."""
        ...

    def bound(self, replica_ids: Sequence[int], max_bytes: int) -> None:
        """Keep no more of each log, about."""
        ...

    def prune(self, max_files: int, in_use: Sequence[int]) -> None:
        """Remove the oldest logs but for those in use."""
        ...

    def files(self) -> Sequence[Path]:
        """Oldest replica first."""
        ...


class Logs(Protocol):
    """The logs of all versions."""

    def of(self, model: ModelId) -> ReplicaLogs: ...

    def files(self) -> Sequence[Path]:
        """By model and version, oldest replica first within one."""
        ...


class OutputLogs:
    """Replicas print to where this process prints: in a container, to whoever collects its log."""

    def of(self, model: ModelId) -> "_OutputLog":
        return _OutputLog()

    def files(self) -> Sequence[Path]:
        return ()


class _OutputLog:
    def __init__(self) -> None:
        self._ids = count(1)

    def next_id(self) -> int:
        return next(self._ids)

    def path(self, replica_id: int) -> Path:
        return STANDARD_OUTPUT

    def open(self, replica_id: int) -> int:
        return os.dup(1)

    def note(self, replica_id: int, sentence: str) -> None:
        os.write(1, f"[clipper-sls] {sentence}\n".encode())

    def tail(self, replica_id: int, line_count: int) -> str:
        return ""

    def bound(self, replica_ids: Sequence[int], max_bytes: int) -> None:
        return

    def prune(self, max_files: int, in_use: Sequence[int]) -> None:
        return

    def files(self) -> Sequence[Path]:
        return ()
