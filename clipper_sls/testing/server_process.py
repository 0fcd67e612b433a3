"""A server that is a Python program, for a test: a process group of its own, ended with whatever it started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

START_LIMIT_S = 60.0
_POLL_S = 0.02


@contextmanager
def server_process(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    answers_at: str,
    python: Path = Path(sys.executable),
) -> Iterator["subprocess.Popen[bytes]"]:
    """`PYTHON ARGUMENTS`, with no more than `environment`, once a GET of the URL `answers_at` is answered.

    Killed at the end. Raises RuntimeError with what it printed when it does not start.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - an interpreter of ours
            [str(python), *arguments], env=dict(environment), stdout=output, stderr=output, process_group=0
        )
    try:
        _wait_for(process, answers_at, log)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(round(START_LIMIT_S / _POLL_S)):
        with suppress(httpx2.HTTPError):
            httpx2.get(url, trust_env=False, verify=False)
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_S)
            break
    raise RuntimeError(f"The server did not start; it printed:\n{log.read_text()}")
