"""moto's server, a second AWS of one process, for a test: a free port, its own folder, nothing kept.

with moto_server(tmp_path) as server:
    client = boto3.client("dynamodb", endpoint_url=server.url)

Its Lambda runs nothing, and its SQS takes longer the more messages there are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from clipper_sls.testing.ports import free_port
from clipper_sls.testing.server_process import server_process

ACCOUNT = "123456789012"


@dataclass(frozen=True, slots=True)
class MotoServerUnderTest:
    url: str  # "http://127.0.0.1:5000", the endpoint of all services
    log: Path

    def reset(self) -> None:
        """Forget everything: it is as new."""
        httpx2.post(f"{self.url}/moto-api/reset", trust_env=False, verify=False, timeout=30).raise_for_status()


@contextmanager
def moto_server(folder: Path) -> Iterator[MotoServerUnderTest]:
    """A running server; killed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    server = MotoServerUnderTest(f"http://127.0.0.1:{port}", folder / "moto.log")
    arguments = ["-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {"TMPDIR": str(folder), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    health = f"{server.url}/moto-api/data.json"
    with server_process(arguments, environment=environment, log=server.log, answers_at=health):
        yield server
