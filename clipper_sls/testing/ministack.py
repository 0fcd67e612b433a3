"""MiniStack, an AWS of one process, for a test: a free port, its own folder, nothing kept. Any credentials will do.

with ministack(tmp_path) as server:
    client = boto3.client("s3", endpoint_url=server.url)

A function of it whose environment has MINISTACK_LAMBDA_PROXY_URL, or that `lambda_proxies` names, is answered by the
server at that URL: it gets the event as the body of a POST, with the headers X-Amzn-Lambda-Function-Name, -Version,
-Arn, X-Amzn-Request-Id and -Deadline-Ms.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from clipper_sls.testing.ports import free_port
from clipper_sls.testing.server_process import server_process

REGION = "us-east-1"
ACCOUNT = "000000000000"
PROXY_URL_VARIABLE = "MINISTACK_LAMBDA_PROXY_URL"
"""In a function's environment: who answers for it."""

PROXY_VARIABLE = "MINISTACK_LAMBDA_PROXY_{function}"
"""The same, in that of the server."""


@dataclass(frozen=True, slots=True)
class MiniStackUnderTest:
    url: str  # "http://127.0.0.1:4566", the endpoint of all services
    log: Path

    def reset(self) -> None:
        """Forget everything: it is as new."""
        httpx2.post(f"{self.url}/_ministack/reset", trust_env=False, verify=False, timeout=30).raise_for_status()


@contextmanager
def ministack(
    folder: Path, *, lambda_proxies: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[MiniStackUnderTest]:
    """A running server, killed at the end with what it started; see its documentation for `environment`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    variables = {
        "BIND_HOST": "127.0.0.1",  # else it listens on all interfaces
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "TMPDIR": str(folder),
        "LOG_LEVEL": "WARNING",
    }
    variables |= {PROXY_VARIABLE.format(function=name): url for name, url in (lambda_proxies or {}).items()}
    variables |= environment or {}
    server = MiniStackUnderTest(f"http://127.0.0.1:{port}", folder / "ministack.log")
    health = f"{server.url}/_ministack/health"
    with server_process(["-m", "ministack"], environment=variables, log=server.log, answers_at=health):
        yield server
