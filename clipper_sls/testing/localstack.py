"""LocalStack with the plugin of infra/localstack, for a test: a second AWS, written by others than the first.

It lives in an environment of its own, made by `make localstack-setup`: it needs Python 3.13, and other versions of
packages than this project.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clipper_sls.testing.ports import free_port
from clipper_sls.testing.server_process import server_process

REGION = "us-east-1"
ACCOUNT = "000000000000"
ENVIRONMENT = Path(".venv-localstack")
"""In the folder of the checkout, where tests run."""

KEPT = ("PATH", "HOME", "LANG")


@dataclass(frozen=True, slots=True)
class LocalStackUnderTest:
    url: str
    pid: int
    image_folder: Path  # where bundles stand for images
    log: Path


def find_localstack(checkout: Path) -> Path | None:
    """The interpreter of its environment, where there is one with the plugin."""
    folder = checkout / ENVIRONMENT / "bin"
    return folder / "python" if (folder / "clipper-localstack").exists() else None


@contextmanager
def localstack(python: Path, folder: Path) -> Iterator[LocalStackUnderTest]:
    """A running server; functions run on this interpreter. Killed at the end, and they with it."""
    image_folder = folder / "images"
    image_folder.mkdir(parents=True)
    port = free_port()
    variables = {
        **{name: os.environ[name] for name in KEPT if name in os.environ},  # noqa: TID251 - of the machine
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "FILESYSTEM_ROOT": str(folder / "root"),
        "CLIPPER_LOCALSTACK_PYTHON": sys.executable,
        "CLIPPER_SLS_IMAGE_FOLDER": str(image_folder),
        "CLIPPER_ALLOW_UNSIGNED": "1",
    }
    url, log = f"http://127.0.0.1:{port}", folder / "localstack.log"
    with server_process(
        ["-m", "clipper_localstack"],
        environment=variables,
        log=log,
        answers_at=f"{url}/_localstack/health",
        python=python,
    ) as process:
        yield LocalStackUnderTest(url, process.pid, image_folder, log)
