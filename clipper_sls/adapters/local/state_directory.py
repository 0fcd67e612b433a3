"""The folder in which one engine keeps everything, and the lock that keeps a second engine out of it."""

import fcntl
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path

from clipper_sls.adapters.local.storage_errors import translated
from clipper_sls.errors import EngineRunningError

LOCK_FILE = "engine.lock"
READY_FILE = "engine.json"
TOKEN_FILE = "management-token"  # noqa: S105 - the name of the file


class StateDirectory:
    """Only the owner may read it. The kernel releases the lock when the process ends, however it ends."""

    def __init__(self, path: Path, cluster_name: str) -> None:
        self.path = path
        self.cluster_name = cluster_name
        self._lock: int | None = None

    def lock(self) -> None:
        """Take the folder for this process. Raises EngineRunningError when another one has it, or StoreError."""
        with translated(self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise EngineRunningError(
                f"Another engine (pid {pid}) runs on {self.path}. Use it (clipper-sls status), stop it (clipper-sls "
                f"stop), or start this one with another --cluster-name or --state-dir"
            ) from None
        self._lock = lock
        with suppress(OSError):  # only for people; a full disk is told of when something that matters is written
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)

    @property
    def ready_file(self) -> Path:
        """What a reader finds there is complete; while there is none, nobody is ready."""
        return self.path / READY_FILE

    def write_ready_file(self, *, query: str, management: str, path: Path | None = None) -> None:
        """Tell where this engine listens; a reader sees all of it or nothing. Raises StoreError."""
        write_atomically(
            path or self.ready_file,
            json.dumps(
                {
                    "query": query,
                    "management": management,
                    "pid": os.getpid(),
                    "cluster_name": self.cluster_name,
                    "state_dir": str(self.path),
                }
            ),
        )

    def remove_ready_file(self) -> None:
        with suppress(OSError):
            self.ready_file.unlink(missing_ok=True)

    def management_token(self) -> str:
        """The bearer token of this folder's engine, made on first use. Raises StoreError."""
        path = self.path / TOKEN_FILE
        with translated(path):
            with suppress(FileExistsError):
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                with os.fdopen(descriptor, "w") as file:
                    file.write(secrets.token_urlsafe(32))
            return path.read_text().strip()

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` by `text`: a reader sees the old content or the new. Raises StoreError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with translated(path):
        try:
            part.write_text(text)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
