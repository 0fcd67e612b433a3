"""Digests and descriptors: how the parts of an image point to each other (OCI image specification, "Descriptors")."""

import hashlib
import re
from collections.abc import Mapping

import msgspec

from clipper_sls.image_errors import ImageDigestError

ALGORITHM = "sha256"
NO_DIGEST = "a digest is sha256: and 64 hex digits"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(content: bytes) -> str:
    """`sha256:` and 64 hex digits."""
    return f"{ALGORITHM}:{hashlib.sha256(content).hexdigest()}"


def is_digest(text: str) -> bool:
    """Whether it is one of the only kind that is used here."""
    return _DIGEST.fullmatch(text) is not None


def verify(content: bytes, digest: str, what: str) -> None:
    """Raises ImageDigestError unless `content` is what `digest` stands for; `what` names it in the message."""
    found = digest_of(content)
    if found != digest:
        raise ImageDigestError(
            f"{what} has digest {found}, not {digest}: it was changed or cut off on its way, and nothing of it was "
            f"used. Try again; if it stays so, whatever keeps it there is broken."
        )


class PlatformFields(msgspec.Struct, frozen=True, omit_defaults=True):
    """The platform that a manifest of an index is for."""

    architecture: str
    os: str
    variant: str = ""


class Descriptor(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One blob or manifest: what it is, its digest, its size in bytes.

    Raises ValueError for what cannot be one: digests become parts of paths and URLs.
    """

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)
    platform: PlatformFields | None = None

    def __post_init__(self) -> None:
        if not is_digest(self.digest):
            raise ValueError(NO_DIGEST)
        if self.size < 0:
            raise ValueError(f"{self.digest} is said to have {self.size} bytes")
