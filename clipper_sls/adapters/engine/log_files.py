"""Log files of replicas: `<folder>/<model>/<version>/<replica id>.log`.

A replica's id is never used again within its version, so its log is never written by another one; the files that are
there are what remembers which ids were used.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from clipper_sls.domain.identifiers import ModelId

_SUFFIX = ".log"
_TAIL_BYTES = 64 * 1024


class VersionLogs:
    """The logs of one model version's replicas."""

    def __init__(self, folder: Path, model: ModelId) -> None:
        self._folder = folder / model.name / model.version

    def path(self, replica_id: int) -> Path:
        return self._folder / f"{replica_id}{_SUFFIX}"

    def next_id(self) -> int:
        """The first id that no replica of this version has had."""
        return max(self._ids(), default=0) + 1

    def open(self, replica_id: int) -> int:
        """A descriptor for a replica's output. Every write goes to the end, so the file may be cut meanwhile."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return os.open(self.path(replica_id), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def note(self, replica_id: int, sentence: str) -> None:
        """See `ReplicaLogs.note`; a full disk loses the note and nothing else."""
        with suppress(OSError), self.path(replica_id).open("ab") as file:
            file.write(f"\n[clipper-sls] {sentence}\n".encode())

    def tail(self, replica_id: int, line_count: int) -> str:
        """See `ReplicaLogs.tail`."""
        try:
            with self.path(replica_id).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-line_count:])

    def bound(self, replica_ids: Sequence[int], max_bytes: int) -> None:
        for replica_id in replica_ids:
            _keep_newest_half(self.path(replica_id), max_bytes)

    def files(self) -> list[Path]:
        """Oldest replica first."""
        return [self.path(replica_id) for replica_id in sorted(self._ids())]

    def prune(self, max_files: int, in_use: Sequence[int]) -> None:
        """Remove the oldest files but for those in use. The newest one always stays: it remembers the ids."""
        for replica_id in sorted(self._ids())[: -max(1, max_files)]:
            if replica_id not in in_use:
                self.path(replica_id).unlink(missing_ok=True)

    def _ids(self) -> list[int]:
        return [int(path.stem) for path in self._folder.glob(f"*{_SUFFIX}") if path.stem.isdecimal()]


class LogFolder:
    """The logs of all versions, below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, model: ModelId) -> VersionLogs:
        return VersionLogs(self._folder, model)

    def files(self) -> list[Path]:
        """By model and version, oldest replica first within one."""
        versions = sorted(path for path in self._folder.glob("*/*") if path.is_dir())
        return [file for path in versions for file in self.of(ModelId.of(path.parent.name, path.name)).files()]


def _keep_newest_half(path: Path, max_bytes: int) -> None:
    """Cut a log that is larger than `max_bytes` to about the last half of that, from the start of a line on.

    The replica goes on writing to the same file: what it writes while the file is being cut may be lost.
    """
    with suppress(OSError):
        if path.stat().st_size <= max_bytes:
            return
        with path.open("r+b") as file:
            file.seek(-(max_bytes // 2), os.SEEK_END)
            newest = file.read(max_bytes // 2)
            newest = newest[newest.find(b"\n") + 1 :]
            file.seek(0)
            file.write(newest)
            file.truncate()
