"""What images are made of in a test: a base with this very Python, and the packages that are installed here."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clipper_sls.domain.image.references import Reference
from clipper_sls.packaging.runtime_package import RUNTIME_PACKAGES, SERVER_PACKAGES
from clipper_sls.testing.docker_registry import docker_registry
from clipper_sls.testing.images import only_wheels_in
from clipper_sls.testing.installed_packages import closure, repacked
from clipper_sls.testing.python_base import push_python_base


@dataclass(frozen=True, slots=True)
class ContainerBase:
    """`variables` are those with which uv finds the packages, asks no index, and keeps layers with nobody else's."""

    reference: str
    variables: Mapping[str, str]


@contextmanager
def container_base(folder: Path) -> Iterator[ContainerBase]:
    """The base is in a registry that runs meanwhile; everything is kept below `folder`."""
    (folder / "wheels").mkdir(parents=True)
    for found in closure((*RUNTIME_PACKAGES, *SERVER_PACKAGES)):
        repacked(found, folder / "wheels")
    variables = {**only_wheels_in(folder / "wheels"), "XDG_CACHE_HOME": str(folder / "cache")}
    with docker_registry(folder / "registry") as registry:
        reference = Reference.parse(f"{registry.host}/python:1")
        yield ContainerBase(str(push_python_base(reference, folder / "base")), variables)
