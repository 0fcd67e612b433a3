"""What goes into the building of an image, and what comes out."""

from dataclasses import dataclass
from pathlib import Path

from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.image.contents import BundleSplit, split_bundle
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.image.report import ImageReport


@dataclass(frozen=True, slots=True)
class ServerPart:
    """The HTTP server that an image runs where there is no Lambda Runtime API: equal for all models of a release."""

    packages: tuple[str, ...]  # each with its version, and all that they need among them
    sources: Path  # folder with `clipper_sls/` in it


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who has signed a bundle, and what was said of it."""

    signer: str  # the public key
    revision: str  # of the code; "" when nobody knows


@dataclass(frozen=True, slots=True)
class ImageContext:
    """Equal contexts, with equal packages in the index and an equal base behind its name, give equal images."""

    bundle: Path  # folder with the manifest and the files that it lists
    manifest: Manifest
    base: Reference
    platform: Platform
    packages: tuple[str, ...]  # all that the replica needs beside the runtime's sources, as pip takes them
    constraints: tuple[str, ...]  # versions of those, and of what they need, as far as they are settled
    runtime: Path  # folder with the runtime's sources, `clipper_sls/` in it
    server: ServerPart
    release: str  # version of clipper-sls
    provenance: Provenance | None = None  # None when the bundle is not signed

    @property
    def split(self) -> BundleSplit:
        """Paths of what lies in the folder `bundle` and goes into the image."""
        return split_bundle(self.manifest, is_signed=self.provenance is not None)


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that its builder holds. The digest is of the manifest; a tag may be moved, and a digest cannot."""

    digest: str
    size_bytes: int  # compressed, as it is stored and sent
    base: Reference  # by digest
    report: ImageReport
