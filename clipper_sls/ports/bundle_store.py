"""Where bundles are kept, by digest."""

from collections.abc import AsyncIterable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Protocol

from clipper_sls.domain.bundle import Manifest


class BundleStore(Protocol):
    """Content-addressed: what is stored under a digest never changes."""

    async def put(self, archive: AsyncIterable[bytes]) -> Manifest:
        """Unpack a tar archive of a bundle, verify every file against the manifest, and keep it durably.

        Raises InvalidBundleError, UntrustedBundleError, BundleDigestError, RequestTooLargeError or StorageFullError,
        and then keeps nothing. A signature is kept beside the bundle; that of who came last is the one that stays.
        """
        ...

    async def manifest(self, digest: str) -> Manifest:
        """Raises InvalidBundleError when there is no such bundle."""
        ...

    def path(self, digest: str) -> Path:
        """The folder that holds the bundle."""
        ...

    async def keep_only(self, digests: AbstractSet[str]) -> None:
        """Remove every other bundle."""
        ...
