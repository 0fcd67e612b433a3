"""Registry clients against a real registry, whose answers may be spoilt on the way."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clipper_sls.adapters.oci.credentials import Credentials
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.registry_http import RegistryHttp
from clipper_sls.adapters.oci.repository import Repository
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.faulty_proxy import FaultyProxy, faulty_proxy

Connect = Callable[..., Repository]
_names = itertools.count()


@pytest.fixture
def proxy(registry: DockerRegistryUnderTest) -> Iterator[FaultyProxy]:
    with faulty_proxy(registry.host) as running:
        yield running


@pytest.fixture
def name() -> str:
    """A repository that no other test uses."""
    return f"tests/of-{next(_names)}"


@pytest.fixture
def pauses() -> list[float]:
    """Seconds that would have been waited."""
    return []


@pytest.fixture
def connect(pauses: list[float]) -> Iterator[Connect]:
    opened: list[RegistryHttp] = []

    def connected(
        host: str, name: str, chunk_bytes: int = 1 << 16, credentials: Credentials | None = None
    ) -> Repository:
        opened.append(RegistryHttp(host, credentials, pauses.append))
        return Repository(opened[-1], name, chunk_bytes=chunk_bytes)

    yield connected
    for http in opened:
        http.close()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")
