"""The images that containers of an engine are made of.

A bundle runs in an image of its environment, into which it is mounted: versions with equal packages share one, and a
new version of the code needs no image at all. An image that somebody deployed runs as it is.
"""

import asyncio
import hashlib
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from clipper_sls.adapters.containers.container_engine import ContainerEngine, LocalImage
from clipper_sls.adapters.containers.container_launcher import ReplicaImage
from clipper_sls.bootstrap.images import image_builder, image_context
from clipper_sls.domain.bundle import LOCK_FILE, MANIFEST_NAME, NOOP_ENTRY, Manifest
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.contents import BUNDLE_FOLDER
from clipper_sls.domain.image.model_config import BUNDLE_DIGEST_LABEL, INPUT_TYPE_LABEL
from clipper_sls.domain.records import CONTAINERLESS_IMAGE, ModelVersion
from clipper_sls.domain.trust import Trust
from clipper_sls.errors import IncompatibleInputTypeError, InvalidBundleError, UnsupportedImageError
from clipper_sls.ports.bundle_store import BundleStore

ENVIRONMENTS = "clipper-sls/environment"
"""Repository of the images of environments, in the container engine alone."""


class EngineImages:
    """Implements `ReplicaImages`. `base` is what environments are built on, None the official image of their Python."""

    def __init__(
        self,
        *,
        engine: ContainerEngine,
        bundles: BundleStore,
        base: str | None,
        timeout_s: float,
        trust: Callable[[], Trust],
        repository: str = ENVIRONMENTS,
    ) -> None:
        self._engine = engine
        self._bundles = bundles
        self._base = base
        self._timeout_s = timeout_s
        self._trust = trust
        self._repository = repository
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def identified(self, version: ModelVersion) -> ModelVersion:
        if version.bundle_digest is not None and await self._manifest(version) is not None:
            return version
        image = await asyncio.to_thread(self._found, version.container_name)
        if (digest := image.labels.get(BUNDLE_DIGEST_LABEL)) is None:
            raise UnsupportedImageError(
                f"Image '{version.container_name}' cannot be run here: it has no label {BUNDLE_DIGEST_LABEL}, so it "
                f"holds no model of ours. Make one with: clipper-sls image build"
            )
        if (input_type := image.labels.get(INPUT_TYPE_LABEL)) != version.input_type.value:
            raise IncompatibleInputTypeError(
                f"Image '{version.container_name}' is of a model that takes {input_type}, not {version.input_type}"
            )
        return replace(version, bundle_digest=digest)

    async def image_for(self, version: ModelVersion) -> ReplicaImage:
        assert version.bundle_digest is not None
        manifest = await self._manifest(version)
        trusted = (await asyncio.to_thread(self._trust)).variables
        if manifest is None:
            return ReplicaImage(await asyncio.to_thread(self._unchanged, version), trusted)
        folder = self._bundles.path(version.bundle_digest)
        place = f"/{BUNDLE_FOLDER}"
        variables = {**trusted, "CLIPPER_BUNDLE_PATH": place, "CLIPPER_BUNDLE_DIGEST": version.bundle_digest}
        return ReplicaImage(await self._environment(folder, manifest), variables, {folder: place})

    async def _manifest(self, version: ModelVersion) -> Manifest | None:
        """None when it runs an image. Raises InvalidBundleError when it has neither."""
        try:
            return await self._bundles.manifest(version.bundle_digest or "")
        except InvalidBundleError:
            if version.container_name == CONTAINERLESS_IMAGE:
                raise
            return None

    def _unchanged(self, version: ModelVersion) -> str:
        """A name may lead elsewhere since; a version is what it was deployed as."""
        image = self._found(version.container_name)
        if image.labels.get(BUNDLE_DIGEST_LABEL) != version.bundle_digest:
            raise UnsupportedImageError(
                f"Image '{version.container_name}' is another than when model {version.id} was deployed. Deploy it as "
                f"a new version, or name images by digest"
            )
        return image.id

    def _found(self, name: str) -> LocalImage:
        image = self._engine.image(name) or self._engine.pull(name)
        if image is None:
            raise UnsupportedImageError(
                f"Image '{name}' cannot be run here: neither the container engine has it, nor a registry that lets it "
                f"have it. Check the name, and whether docker pull works"
            )
        return image

    async def _environment(self, bundle: Path, manifest: Manifest) -> str:
        with tempfile.TemporaryDirectory(prefix="clipper-sls-") as scratch:
            context = await asyncio.to_thread(self._context, bundle, manifest, Path(scratch))
            name = f"{self._repository}:{_key(context)}"
            async with self._locks[name]:
                if await asyncio.to_thread(self._engine.image, name) is None:
                    await asyncio.to_thread(self._build, context, name, Path(scratch))
        return name

    def _context(self, bundle: Path, manifest: Manifest, scratch: Path) -> ImageContext:
        """Of a bundle without a function, with all the packages of `manifest`."""
        files = {path: file for path, file in manifest.files.items() if path == LOCK_FILE}
        empty = replace(manifest, name="environment", version="1", entry=NOOP_ENTRY, files=files, warm_up_file=None)
        folder = scratch / "bundle"
        folder.mkdir()
        for path in files:
            (folder / path).write_bytes((bundle / path).read_bytes())
        (folder / MANIFEST_NAME).write_bytes(empty.to_json())
        return image_context(folder, self._base, self._engine.platform(), scratch / "sources", None)

    def _build(self, context: ImageContext, name: str, scratch: Path) -> None:
        with image_builder(self._timeout_s) as builder:
            builder.save(builder.build(context), scratch / "image.tar")
        self._engine.load(scratch / "image.tar", name)


def _key(context: ImageContext) -> str:
    """Equal keys, equal environments: all that differs between two images but the bundle."""
    parts: Sequence[object] = (
        str(context.base),
        context.platform,
        context.manifest.python,
        context.packages,
        context.constraints,
        context.runtime.name,
        context.server.packages,
        context.server.sources.name,
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
