"""Names of images: `[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]`, with Docker's abbreviations."""

import re
from dataclasses import dataclass, replace

from clipper_sls.domain.identifiers import shortened
from clipper_sls.domain.image.digests import is_digest
from clipper_sls.errors import InvalidNameError

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
_OFFICIAL = "library/"
_MAX_REPOSITORY_LENGTH = 255

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")  # distribution specification, "Pulling manifests"
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an image is. Prints in full; a digest wins over a tag."""

    registry: str  # "ghcr.io", "127.0.0.1:5000"
    repository: str  # "library/python"
    tag: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"

    @property
    def identifier(self) -> str:
        """What the registry is asked for."""
        return self.digest or self.tag or DEFAULT_TAG

    def pinned(self, digest: str) -> "Reference":
        """The same repository, by digest alone: what it leads to never changes."""
        return replace(self, tag=None, digest=digest)

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Raises InvalidNameError, which says what is wrong."""
        name, at, digest = text.partition("@")
        if at and not is_digest(digest):
            raise _refused(text, "what follows @ is not sha256: and 64 hex digits")
        registry, repository = _split_registry(name)
        repository, colon, tag = repository.partition(":")
        if colon and not _TAG.fullmatch(tag):
            raise _refused(text, "a tag is up to 128 letters, digits, '.', '_' and '-'")
        if not _HOST.fullmatch(registry):
            raise _refused(text, f"{shortened(registry)!r} is not the name of a registry")
        if not _REPOSITORY.fullmatch(repository) or len(repository) > _MAX_REPOSITORY_LENGTH:
            raise _refused(text, "a repository is lower case letters, digits and single '.', '_', '-' between '/'")
        if registry == DEFAULT_REGISTRY and "/" not in repository:
            repository = _OFFICIAL + repository
        return cls(registry, repository, tag or (None if digest else DEFAULT_TAG), digest or None)


def _split_registry(name: str) -> tuple[str, str]:
    """As Docker tells a host from the first part of a repository: by its '.' or ':', or that it is localhost."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return DEFAULT_REGISTRY, name


def _refused(text: str, why: str) -> InvalidNameError:
    return InvalidNameError(
        f"{shortened(text)!r} is not the name of an image: {why}. Expected is [HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST], "
        f"such as 127.0.0.1:5000/digits:1"
    )
