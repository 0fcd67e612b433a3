"""Connections to registries, one each, kept until they are closed."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from clipper_sls.adapters.oci.credentials import Credentials, credentials_for
from clipper_sls.adapters.oci.registry_http import RegistryHttp
from clipper_sls.adapters.oci.repository import Repository
from clipper_sls.adapters.oci.upload import CHUNK_BYTES
from clipper_sls.domain.image.references import Reference


class Registries:
    """Credentials are those of `logins`, by registry, or of Docker's configuration; `pause` waits so many seconds."""

    def __init__(
        self,
        *,
        docker_config: Path,
        pause: Callable[[float], object],
        chunk_bytes: int = CHUNK_BYTES,
        logins: Mapping[str, Credentials] | None = None,
    ) -> None:
        self._logins = logins or {}
        self._docker_config = docker_config
        self._pause = pause
        self._chunk_bytes = chunk_bytes
        self._connections: dict[tuple[str, str], RegistryHttp] = {}

    def repository(self, reference: Reference) -> Repository:
        """Connects when it is first asked something. A token is for one repository, so each has a connection."""
        key = reference.registry, reference.repository
        if key not in self._connections:
            known = self._logins.get(reference.registry)
            credentials = known or credentials_for(reference.registry, self._docker_config)
            self._connections[key] = RegistryHttp(reference.registry, credentials, self._pause)
        return Repository(self._connections[key], reference.repository, chunk_bytes=self._chunk_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections.values():
            connection.close()
