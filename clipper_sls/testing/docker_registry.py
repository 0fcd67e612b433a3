"""A real image registry for a test, Debian's `docker-registry`: its own process and folder, a free port, no way out.

with docker_registry(tmp_path) as registry:
    push(f"{registry.host}/digits:1")
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from clipper_sls.testing.ports import free_port

BINARY = "docker-registry"
START_LIMIT_S = 20.0
_POLL_S = 0.02

_CONFIGURATION = """version: 0.1
log: {{accesslog: {{disabled: true}}, level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}
http: {{addr: 127.0.0.1:{port}, secret: none}}
"""
_PASSWORDS = "auth: {{htpasswd: {{realm: tests, path: {path}}}}}\n"


def find_docker_registry() -> str | None:
    """Its path, where it is installed."""
    return shutil.which(BINARY)


@dataclass(frozen=True, slots=True)
class DockerRegistryUnderTest:
    host: str  # "127.0.0.1:5000", the first part of the names of its images

    @property
    def url(self) -> str:
        return f"http://{self.host}"


@contextmanager
def docker_registry(folder: Path, htpasswd: str = "") -> Iterator[DockerRegistryUnderTest]:
    """A running registry; killed at the end. With `htpasswd`, lines of `user:bcrypt`, it asks for a password."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    configuration = folder / "config.yml"
    text = _CONFIGURATION.format(folder=folder, port=port)
    if htpasswd:
        (folder / "htpasswd").write_text(htpasswd)
        text += _PASSWORDS.format(path=folder / "htpasswd")
    configuration.write_text(text)
    binary = find_docker_registry()
    assert binary is not None, f"{BINARY} is not installed"
    with (folder / "registry.log").open("ab") as log:
        process = subprocess.Popen([binary, "serve", str(configuration)], stdout=log, stderr=log)  # noqa: S603 - found by `which`
    registry = DockerRegistryUnderTest(f"127.0.0.1:{port}")
    try:
        _wait_for(registry, process, folder / "registry.log")
        yield registry
    finally:
        process.kill()
        process.wait()


def _wait_for(registry: DockerRegistryUnderTest, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(round(START_LIMIT_S / _POLL_S)):
        try:
            httpx2.get(f"{registry.url}/v2/", trust_env=False)
        except httpx2.HTTPError:
            try:
                process.wait(_POLL_S)
            except subprocess.TimeoutExpired:
                continue
            break
        return
    raise RuntimeError(f"{BINARY} did not start; it printed:\n{log.read_text()}")
