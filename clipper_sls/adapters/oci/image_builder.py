"""Images of model versions: layers of ours laid on a base that is read from a registry.

Nothing of the base is fetched but its documents, unless the image goes where the base's layers are not.
"""

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from clipper_sls.adapters.oci.archive import write_image
from clipper_sls.adapters.oci.layers import Layer
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.model_layers import model_layers
from clipper_sls.adapters.oci.packages import Packages
from clipper_sls.adapters.oci.registries import Registries
from clipper_sls.adapters.oci.sources import ImageSource, from_layout, from_registry
from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.building import BuiltImage, ImageContext
from clipper_sls.domain.image.contents import comment_of
from clipper_sls.domain.image.digests import Descriptor
from clipper_sls.domain.image.documents import (
    BASE_DIGEST,
    BASE_NAME,
    ImageConfig,
    ImageManifest,
    descriptor_of,
    from_json,
    to_json,
    with_layers,
)
from clipper_sls.domain.image.model_config import AddedLayer, check_base, model_config
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.image.report import report_on
from clipper_sls.errors import InvalidNameError
from clipper_sls.image_errors import UnknownImageError


class OciImageBuilder:
    """Keeps what it builds and fetches in `layout`. Without Docker, unless `packages` needs it."""

    def __init__(self, *, layout: Layout, registries: Registries, packages: Packages) -> None:
        self._layout = layout
        self._registries = registries
        self._packages = packages

    def build(self, context: ImageContext) -> BuiltImage:
        base = from_registry(self._registries, context.base, self._layout, context.platform)
        check_base(base.config, context.manifest, context.platform, str(context.base))
        pinned = context.base.pinned(base.digest)
        with (
            tempfile.TemporaryDirectory(prefix="clipper-sls-") as scratch,
            self._packages.opened(context, pinned) as packages,
        ):
            added = tuple(model_layers(context, pinned, self._layout, Path(scratch), packages))
        manifest = self._manifest(context, base, added)
        digest = self._kept(to_json(manifest), media_types.MANIFEST).digest
        config = from_json(self._layout.document(manifest.config.digest, digest), ImageConfig, digest)
        return BuiltImage(digest, manifest.size_bytes, pinned, report_on(digest, manifest, config))

    def reach(self, reference: Reference) -> None:
        with suppress(UnknownImageError):
            self._registries.repository(reference).manifest(reference)

    def push(self, image: BuiltImage, reference: Reference) -> Reference:
        if reference.digest or not reference.tag:
            raise InvalidNameError(f"An image is pushed to a tag, and {reference} has a digest. Name a tag")
        source = from_layout(self._layout, image.digest, str(reference))
        for blob in (*source.manifest.layers, source.manifest.config):
            self._push(blob, image.base, reference)
        content = self._layout.document(image.digest, str(reference))
        self._registries.repository(reference).put_manifest(content, media_types.MANIFEST, reference.tag)
        return reference.pinned(image.digest)

    def save(self, image: BuiltImage, path: Path) -> None:
        source = from_layout(self._layout, image.digest, image.digest)
        base = self._registries.repository(image.base)
        for layer in source.manifest.layers:
            base.pull(layer, self._layout)
        write_image(self._layout, self._described(image.digest, source), source.manifest, _name(source), path)

    def _manifest(self, context: ImageContext, base: ImageSource, added: tuple[Layer, ...]) -> ImageManifest:
        config = model_config(
            base.config, context.manifest, context.platform, _told(added), context.release, context.provenance
        )
        described = self._kept(to_json(config), media_types.CONFIG)
        annotations = {
            BASE_NAME: str(context.base),
            BASE_DIGEST: base.digest,
        }
        return with_layers(base.manifest, described, [layer.descriptor for layer in added], annotations)

    def _kept(self, content: bytes, media_type: str) -> Descriptor:
        self._layout.keep([content])
        return descriptor_of(content, media_type)

    def _push(self, blob: Descriptor, base: Reference, reference: Reference) -> None:
        """The base's layers are taken over within one registry, and fetched only for another."""
        repository = self._registries.repository(reference)
        neighbour = base.repository if base.registry == reference.registry else None
        if not self._layout.has(blob):
            if repository.has(blob) or (neighbour and repository.mounted(blob, neighbour)):
                return
            self._registries.repository(base).pull(blob, self._layout)
        repository.push(blob, self._layout)

    def _described(self, digest: str, source: ImageSource) -> Descriptor:
        size_bytes = self._layout.path(digest).stat().st_size
        return Descriptor(media_types.MANIFEST, digest, size_bytes, _names(source))


def _told(added: Iterable[Layer]) -> list[AddedLayer]:
    return [AddedLayer(layer.diff_id, comment_of(layer.kind)) for layer in added]


def _name(source: ImageSource) -> str:
    labels = source.config.config.labels or {}
    return f"{labels['clipper-sls.model']}:{labels['clipper-sls.model-version']}"


def _names(source: ImageSource) -> dict[str, str]:
    """What tools call the image of a layout (OCI image specification, "Annotations"; containerd)."""
    name = _name(source)
    return {"org.opencontainers.image.ref.name": name.partition(":")[2], "io.containerd.image.name": name}
