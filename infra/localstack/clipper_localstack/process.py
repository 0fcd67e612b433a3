"""A function's process: its output goes to a file, and it ends when LocalStack does, however that ends."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from clipper_localstack.launching import Launch

_LIFELINE = os.pipe()
"""Processes see its end when nobody holds the other side any more. That side is never closed here."""

_spawner = ThreadPoolExecutor(1, thread_name_prefix="clipper-spawner")
"""The kernel ends a process when the *thread* that started it ends; this one lives as long as LocalStack."""


class FunctionProcess:
    def __init__(self, launch: Launch, runtime_api: str, log: Path, ended: Callable[[int], None]) -> None:
        """`ended` gets the exit code, in another thread."""
        log.parent.mkdir(parents=True, exist_ok=True)
        variables = {
            **launch.variables,
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "CLIPPER_LIFELINE_FD": str(_LIFELINE[0]),
        }
        with log.open("ab") as output:
            self._process = _spawner.submit(_start, launch, variables, output.fileno()).result()
        threading.Thread(target=self._follow, args=(ended,), daemon=True).start()

    def kill(self) -> None:
        """With all that it started; no error when it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _follow(self, ended: Callable[[int], None]) -> None:
        code = self._process.wait()
        self.kill()
        ended(code)


def _start(launch: Launch, variables: dict[str, str], output: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        launch.command,
        cwd=launch.folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=(_LIFELINE[0],),
        start_new_session=True,
    )
