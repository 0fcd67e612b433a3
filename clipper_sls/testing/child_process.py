"""A command of ours that runs as a child of a test's process."""

import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

STOP_LIMIT_S = 30.0
POLL_S = 0.02

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildUnderTest:
    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy up."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit code once it has drained."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_LIMIT_S)


def once_ready(process: "subprocess.Popen[bytes]", look: Callable[[], R | None], *, limit_s: float) -> R | None:
    """What `look` finds as soon as it finds anything; None when the process ends before that, or takes too long."""
    for _ in range(round(limit_s / POLL_S)):
        found = look()
        if found is not None:
            return found
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)
            break
    return None
