"""A real engine for a test: its own process, its own state directory, free ports.

with embedded_engine(tmp_path) as engine:
    httpx2.get(f"{engine.query}/readyz")
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clipper_sls.errors import EngineStartError
from clipper_sls.sdk.engine_process import RunningEngine, find_engine
from clipper_sls.testing.child_process import ChildUnderTest, once_ready

START_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineUnderTest(ChildUnderTest):
    """`query` and `management` are URLs; the engine is a child of this process."""

    query: str
    management: str
    state_dir: Path

    @property
    def log(self) -> str:
        """What the engine printed so far."""
        return (self.state_dir / "engine.log").read_text(errors="replace")


@contextmanager
def embedded_engine(state_dir: Path, options: Sequence[str] = ()) -> Iterator[EngineUnderTest]:
    """Run `clipper-sls dev` on `state_dir` with further `options`; killed at the end if the test has not ended it.

    Raises EngineStartError with the engine's output when it ends before it is ready.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    ports = ("--query-port", "0", "--management-port", "0")
    with (state_dir / "engine.log").open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "clipper_sls", "dev", "--state-dir", str(state_dir), *ports, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield _when_ready(process, state_dir)
    finally:
        process.kill()
        process.wait()


def _when_ready(process: "subprocess.Popen[bytes]", state_dir: Path) -> EngineUnderTest:
    def look() -> RunningEngine | None:
        found = find_engine(state_dir)
        return found if found is not None and found.process.pid == process.pid else None

    found = once_ready(process, look, limit_s=START_LIMIT_S)
    if found is None:
        log = (state_dir / "engine.log").read_text(errors="replace")
        raise EngineStartError(f"The engine did not get ready; it printed:\n{log}")
    return EngineUnderTest(query=found.query, management=found.management, state_dir=state_dir, process=process)
