"""`image verify`: an image of a model version against its own documents, its bundle, its lock, and a build of our own.

What is rebuilt starts from what is in the image: the bundle with its signature, the packages that were chosen, the base
by its digest. Nothing of the image is run.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from clipper_sls import __version__
from clipper_sls.adapters.oci.image_builder import OciImageBuilder
from clipper_sls.adapters.oci.layer_check import bytes_of, check_layer
from clipper_sls.adapters.oci.layer_contents import contents, take_out
from clipper_sls.adapters.oci.layer_files import file_in, layer_of
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.packages import WheelPackages
from clipper_sls.adapters.oci.registries import Registries
from clipper_sls.adapters.oci.sources import OpenedImage, open_image
from clipper_sls.bootstrap.image_comparison import compare
from clipper_sls.bootstrap.images import open_registries
from clipper_sls.domain.bundle import LOCK_FILE, SIGNATURE_FILE, Manifest
from clipper_sls.domain.image.bill_of_materials import bill_of_materials
from clipper_sls.domain.image.building import ImageContext, Provenance, ServerPart
from clipper_sls.domain.image.contents import (
    BILL_OF_MATERIALS,
    BUNDLE_FOLDER,
    LAYER_ANNOTATION,
    PACKAGES_FOLDER,
    PACKAGES_LOCK,
    LayerKind,
)
from clipper_sls.domain.image.digests import Descriptor
from clipper_sls.domain.image.documents import BASE_DIGEST, BASE_NAME
from clipper_sls.domain.image.model_config import (
    BUNDLE_DIGEST_LABEL,
    RELEASE_LABEL,
    REVISION_LABEL,
    SIGNER_LABEL,
    variables_of,
)
from clipper_sls.domain.image.package_notes import packages_in
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.image.verification import Outcome, Verification
from clipper_sls.domain.lock import locked_packages, pins_in
from clipper_sls.domain.trust import TRUSTED_KEYS_VARIABLE, PublicKey, Trust, verified_statement
from clipper_sls.errors import ClipperError
from clipper_sls.image_errors import InvalidImageError
from clipper_sls.packaging.runtime_package import stage_runtime, stage_server
from clipper_sls.runtime.bundle_check import verified_content

_DIST_INFO = ".dist-info/METADATA"


def verify_image(name: str, platform: str | None, trust: Trust, packages_timeout_s: float) -> Verification:
    """All that was compared. `name` as for `inspect_image`; raises what that raises."""
    wanted = None if platform is None else Platform.parse(platform)
    with (
        tempfile.TemporaryDirectory(prefix="clipper-sls-") as folder,
        open_registries() as registries,
        open_image(registries, name, wanted, Path(folder) / "image") as image,
    ):
        verifier = _Verifier(image, registries, trust, Path(folder), packages_timeout_s)
        verifier.run()
        return verifier.result


class _Verifier:
    def __init__(
        self, image: OpenedImage, registries: Registries, trust: Trust, scratch: Path, packages_timeout_s: float
    ) -> None:
        self._image = image
        self._registries = registries
        self._trust = trust
        self._scratch = scratch
        self._packages_timeout_s = packages_timeout_s
        self._documents = image.source.manifest
        self._labels = image.source.config.config.labels or {}
        self._bundle = scratch / "bundle"
        self.result = Verification(image.name, image.source.digest)

    def run(self) -> None:
        """Each step needs what the ones before it have found to be right."""
        self._check_layers()
        if self.result.differences:
            return self._leave("bundle", "signature", "packages", "build")
        manifest = self._checked_bundle()
        if manifest is None:
            return self._leave("packages", "build")
        self._check_packages(manifest)
        with self._refusing("build"):
            self._rebuild(manifest)
        return None

    def _leave(self, *parts: str) -> None:
        for part in parts:
            self.result.add(part, Outcome.NOT_COMPARED, "what differs comes first")

    @contextmanager
    def _refusing(self, part: str) -> Iterator[None]:
        """What goes wrong in the block is the image's fault, or keeps it from being verified, which is the same."""
        try:
            yield
        except ClipperError as error:
            self.result.add(part, Outcome.DIFFERS, error.msg)

    def _check_layers(self) -> None:
        diff_ids = self._image.source.config.rootfs.diff_ids
        self.result.equal("number of layers", len(self._documents.layers), len(diff_ids))
        for number, (layer, diff_id) in enumerate(zip(self._documents.layers, diff_ids, strict=False), 1):
            kind = layer.annotations.get(LAYER_ANNOTATION, LayerKind.BASE.value)
            before = len(self.result.differences)
            with self._refusing(f"bytes of layer {number}, {kind}"):
                if kind != LayerKind.BASE:
                    self._image.fetch(layer)
                repository = self._image.repository if kind == LayerKind.BASE else None
                check_layer(layer, diff_id, bytes_of(layer, self._image.layout, repository))
            if len(self.result.differences) == before:
                self.result.add(f"bytes of layer {number}, {kind}", Outcome.AGREES)

    def _layer(self, kind: LayerKind) -> Descriptor:
        return layer_of(self._documents, kind, self._image.name)

    def _checked_bundle(self) -> Manifest | None:
        """None when it is not what it should be."""
        digest, manifest = self._labels.get(BUNDLE_DIGEST_LABEL, ""), None
        self._bundle.mkdir()
        with self._refusing("bundle"):
            for layer in self._documents.layers:
                if layer.annotations.get(LAYER_ANNOTATION) in (LayerKind.WEIGHTS, LayerKind.CODE):
                    take_out(self._image.layout, layer, BUNDLE_FOLDER, self._bundle)
            if not any(self._bundle.iterdir()):
                raise InvalidImageError(f"{self._image.name} has no bundle of a model: `image build` did not make it")
            manifest = verified_content(self._bundle, digest, Trust(allows_unsigned=True))
            self.result.add("bundle", Outcome.AGREES)
        if manifest is not None:
            with self._refusing("signature"):
                self._check_signature(manifest)
        return manifest

    def _check_signature(self, manifest: Manifest) -> None:
        path = self._bundle / SIGNATURE_FILE
        if self._trust.allows_unsigned and not path.exists():
            return self.result.add("signature", Outcome.NOT_COMPARED, "it is not signed")
        keys = self._trust.keys
        if self._trust.allows_unsigned and SIGNER_LABEL in self._labels:
            keys = (PublicKey.parse(self._labels[SIGNER_LABEL]),)
        statement = verified_statement(path.read_bytes() if path.exists() else None, manifest, keys)
        self.result.add("signature", Outcome.AGREES)
        self.result.equal("revision", self._labels.get(REVISION_LABEL, ""), statement.revision)
        trusted = variables_of(self._image.source.config.config).get(TRUSTED_KEYS_VARIABLE, "")
        self.result.equal(f"variable {TRUSTED_KEYS_VARIABLE}", trusted, self._labels.get(SIGNER_LABEL, ""))
        return None

    def _check_packages(self, manifest: Manifest) -> None:
        with self._refusing("packages"):
            layer = self._layer(LayerKind.DEPENDENCIES)
            pins = pins_in(file_in(self._image.layout, layer, PACKAGES_LOCK))
            self.result.equal("packages and their lock", self._installed(layer), pins)
            locked = locked_packages(manifest, lambda path: (self._bundle / path).read_bytes())
            self.result.equal("packages and the bundle's lock", _against(locked, pins, manifest), "")
            self._check_bill(manifest)

    def _installed(self, layer: Descriptor) -> tuple[str, ...]:
        paths = [path for path in contents(self._image.layout, layer) if path.endswith(_DIST_INFO)]
        names = [path.removeprefix(f"{PACKAGES_FOLDER}/").removesuffix(_DIST_INFO).rsplit("-", 1) for path in paths]
        return tuple(sorted(f"{canonicalize_name(name)}=={version}" for name, version in names))

    def _check_bill(self, manifest: Manifest) -> None:
        lower = (LayerKind.SERVER, LayerKind.DEPENDENCIES)
        packages = {kind: packages_in(self._layer(kind).annotations) for kind in lower}
        release = self._labels.get(RELEASE_LABEL, "")
        expected = bill_of_materials(manifest, packages, self._base(), release)
        found = file_in(self._image.layout, self._layer(LayerKind.CODE), BILL_OF_MATERIALS)
        same = Outcome.AGREES if found == expected else Outcome.DIFFERS
        detail = "" if found == expected else "it does not list what is in the image"
        self.result.add("bill of materials", same, detail)

    def _base(self) -> Reference:
        annotations = self._documents.annotations
        if BASE_NAME not in annotations or BASE_DIGEST not in annotations:
            raise InvalidImageError(f"{self._image.name} does not say which base it is built on")
        return Reference.parse(annotations[BASE_NAME]).pinned(annotations[BASE_DIGEST])

    def _rebuild(self, manifest: Manifest) -> None:
        layout = Layout(self._scratch / "rebuilt")
        packages = WheelPackages(timeout_s=self._packages_timeout_s)
        builder = OciImageBuilder(layout=layout, registries=self._registries, packages=packages)
        built = builder.build(self._context(manifest))
        compare(self._image, layout, built.digest, self._labels.get(RELEASE_LABEL, ""), self.result)

    def _context(self, manifest: Manifest) -> ImageContext:
        config = self._image.source.config
        pins = pins_in(file_in(self._image.layout, self._layer(LayerKind.DEPENDENCIES), PACKAGES_LOCK))
        server = packages_in(self._layer(LayerKind.SERVER).annotations)
        signer = self._labels.get(SIGNER_LABEL)
        revision = self._labels.get(REVISION_LABEL, "")
        return ImageContext(
            bundle=self._bundle,
            manifest=manifest,
            base=self._base(),
            platform=Platform.parse(f"{config.os}/{config.architecture}"),
            packages=pins,
            constraints=(),
            runtime=stage_runtime(self._scratch),
            server=ServerPart(
                tuple(f"{package.name}=={package.version}" for package in server), stage_server(self._scratch)
            ),
            release=__version__,
            provenance=None if signer is None else Provenance(signer, revision),
        )


def _against(locked: tuple[str, ...], pins: tuple[str, ...], manifest: Manifest) -> str:
    """Where `pins` are not as `locked`; what was given by hand may be otherwise."""
    given = {canonicalize_name(text.split("==")[0].strip()) for text in manifest.pkgs_to_install}
    versions = dict(pin.split("==", 1) for pin in pins)
    wrong = [
        f"{name}=={versions[name]} where {LOCK_FILE} has {text}"
        for text in locked
        if (name := canonicalize_name((wanted := Requirement(text)).name)) in versions
        and name not in given
        and not wanted.specifier.contains(versions[name], prereleases=True)
    ]
    return ", ".join(wrong)
