"""AWS on this machine for a test: `clipper-sls dev --aws` on free ports, with the stack deployed.

with local_aws(tmp_path) as aws:
    boto3.client("dynamodb", endpoint_url=aws.endpoint)
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.errors import EngineStartError
from clipper_sls.testing.child_process import ChildUnderTest, once_ready

START_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAwsUnderTest(ChildUnderTest):
    """URLs, and the process, a child of this one. `environment` is what another process needs to take it for AWS."""

    query: str
    management: str
    endpoint: str
    stack: str
    environment: Mapping[str, str]
    folder: Path

    @property
    def log(self) -> str:
        """What it printed so far."""
        return (self.folder / "aws.log").read_text(errors="replace")

    @property
    def names(self) -> StackNames:
        """Of what the stack has."""
        return StackNames(self.stack)

    @property
    def clients(self) -> AwsClients:
        """Of all of AWS."""
        return AwsClients(session=any_session(self.environment["AWS_REGION"]), endpoint=self.endpoint)

    def family(self) -> list[psutil.Process]:
        """It, and every process that it has started and that is there now."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]


@contextmanager
def local_aws(folder: Path, options: Sequence[str] = ()) -> Iterator[LocalAwsUnderTest]:
    """Killed at the end if the test has not ended it.

    Raises EngineStartError with its output when it ends, or takes too long, before it is ready.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ready_file = folder / "ready.json"
    ports = ("--query-port", "0", "--management-port", "0", "--aws-port", "0")
    command = [sys.executable, "-m", "clipper_sls", "dev", "--aws", *ports, "--state-dir", str(folder / "state")]
    with (folder / "aws.log").open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, "--ready-file", str(ready_file), *options], stdout=output, stderr=output
        )
    try:
        told = _ready(process, ready_file, folder / "aws.log")
        kept = ("query", "management", "endpoint", "stack", "environment")
        yield LocalAwsUnderTest(**{name: told[name] for name in kept}, folder=folder, process=process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _ready(process: "subprocess.Popen[bytes]", ready_file: Path, log: Path) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        return json.loads(ready_file.read_text()) if ready_file.exists() else None

    told = once_ready(process, look, limit_s=START_LIMIT_S)
    if told is None:
        raise EngineStartError(f"AWS on this machine did not get ready; it printed:\n{log.read_text(errors='replace')}")
    return told
