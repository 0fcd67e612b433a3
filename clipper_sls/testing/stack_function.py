"""A function of the core stack, run as AWS runs it: AWS' own runtime client, below a Runtime API.

with stack_function("query", {"CLIPPER_SLS_STACK_NAME": "shop", ...}, log=tmp_path / "query.log") as function:
    assert function.ask(event) == {"statusCode": 200, ...}
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipper_sls.testing.runtime_api import RuntimeApi, runtime_api

ROOT = Path(__file__).resolve().parents[2]
"""Where the folder `handlers` is."""


@dataclass(frozen=True, slots=True)
class StackFunctionUnderTest:
    api: RuntimeApi
    log: Path

    def ask(self, event: Any) -> Any:
        """What the handler returned. Raises AssertionError when it raised."""
        reply = self.api.ask(json.dumps(event).encode())
        assert reply.kind == "response", reply.value
        return reply.value

    def log_lines(self) -> list[dict[str, Any]]:
        """Those that are JSON, so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@contextmanager
def stack_function(
    name: str, environment: Mapping[str, str], *, log: Path, code: Path = ROOT
) -> Iterator[StackFunctionUnderTest]:
    """The function whose handler is `handlers/<name>.py` in the folder `code`; killed at the end."""
    with runtime_api() as api, log.open("wb") as output:
        variables = {"PATH": os.defpath, "AWS_LAMBDA_RUNTIME_API": api.address, "LAMBDA_TASK_ROOT": str(code)}
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "awslambdaric", f"handlers.{name}.handler"],
            cwd=code,
            env={**variables, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield StackFunctionUnderTest(api, log)
        finally:
            process.kill()
            process.wait()
