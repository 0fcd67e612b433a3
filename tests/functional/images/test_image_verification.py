"""Verifying images: one as it was built is what it says, and whatever was changed in another is named."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clipper_sls import __version__
from clipper_sls.adapters.oci.image_builder import OciImageBuilder
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.packages import WheelPackages
from clipper_sls.adapters.oci.registries import Registries
from clipper_sls.bootstrap.image_verification import verify_image
from clipper_sls.domain.bundle import LOCK_FILE, Manifest
from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.bill_of_materials import bill_of_materials
from clipper_sls.domain.image.building import Provenance
from clipper_sls.domain.image.contents import WEIGHT_BYTES, LayerKind
from clipper_sls.domain.image.digests import digest_of
from clipper_sls.domain.image.documents import (
    BASE_DIGEST,
    ImageConfig,
    ImageManifest,
    descriptor_of,
    from_json,
    to_json,
)
from clipper_sls.domain.image.package_notes import packages_in
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.image.verification import Verification
from clipper_sls.domain.lock import lock_text
from clipper_sls.domain.trust import PublicKey, Trust
from clipper_sls.image_errors import ImageDifferenceError, ImageDigestError
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest, docker_registry
from clipper_sls.testing.images import bundle_of, context_of, only_wheels_in, push_base, wheel
from clipper_sls.testing.signing import OTHER_KEY, PUBLIC_KEY, signature_of

Files = dict[str, bytes]

BUNDLE = "opt/clipper/bundle"
SIGNATURE = f"{BUNDLE}/signature.json"
MANIFEST = f"{BUNDLE}/manifest.json"
COMMIT = "0fe6" * 10
SERVER = ("tinyserver==1.0",)
ONLY_THE_TEST = Trust((PUBLIC_KEY,))


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the registry keeps its blobs."""
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def registry(registry_is_installed: None, storage: Path) -> Iterator[DockerRegistryUnderTest]:
    with docker_registry(storage) as running:
        yield running


def _blob(storage: Path, digest: str) -> Path:
    name = digest.removeprefix("sha256:")
    return storage / "data/docker/registry/v2/blobs/sha256" / name[:2] / name / "data"


@pytest.fixture(scope="module")
def base(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    reference = Reference.parse(f"{registry.host}/base:1")
    push_base(reference, tmp_path_factory.mktemp("base"))
    return reference


@pytest.fixture(scope="module", autouse=True)
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An index of what the image needs, and nothing more."""
    folder = tmp_path_factory.mktemp("wheels")
    wheel(folder, {"tinypackage.py": b"FACTOR = 3\n"})
    wheel(folder, {"tinyserver.py": b"PORT = 8080\n"}, name="tinyserver")
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in {**only_wheels_in(folder), "DOCKER_CONFIG": str(folder / "docker")}.items():
            patch.setenv(variable, value)
        yield


def _build(base: Reference, folder: Path, *, is_signed: bool = True) -> Path:
    """An image of a bundle with a module, weights and a lock, in the form of a folder."""
    lock = lock_text(["tinypackage==1.0"])
    files = {"modules/shop.py": b"PRICE = 1\n", "weights/w.bin": bytes(WEIGHT_BYTES), LOCK_FILE: lock}
    manifest = replace(bundle_of(folder / "bundle", files), requirements=("tinypackage==1.0",), lock_file=LOCK_FILE)
    (folder / "bundle/manifest.json").write_bytes(manifest.to_json())
    (folder / "bundle/signature.json").write_bytes(signature_of(manifest, revision=COMMIT))
    context = context_of(folder / "bundle", manifest, base, manifest.requirements, folder / "runtime")
    provenance = Provenance(str(PUBLIC_KEY), COMMIT) if is_signed else None
    context = replace(
        context, release=__version__, provenance=provenance, server=replace(context.server, packages=SERVER)
    )
    with Registries(docker_config=folder / "none", pause=_never) as registries:
        packages = WheelPackages(timeout_s=60)
        builder = OciImageBuilder(layout=Layout(folder / "layout"), registries=registries, packages=packages)
        builder.save(builder.build(context), folder / "image")
    return folder / "image"


@pytest.fixture(scope="module")
def image(base: Reference, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(base, tmp_path_factory.mktemp("image"))


def _outcomes(verification: Verification) -> dict[str, str]:
    return {check.part: check.outcome.value for check in verification.checks}


def _verified(name: object, trust: Trust = ONLY_THE_TEST) -> Verification:
    return verify_image(str(name), None, trust, 60)


class Forgery:
    """A copy of the built image whose documents are right for whatever its layers hold."""

    def __init__(self, layout: Path, folder: Path) -> None:
        self._layout, self._new = Layout(layout), Layout(folder)
        document = self._layout.document(self._layout.only_image().digest, "it")
        self.manifest = from_json(document, ImageManifest, "it")
        config = self._layout.document(self.manifest.config.digest, "it")
        self.config = from_json(config, ImageConfig, "it")
        self.labels = dict(self.config.config.labels or {})
        self.variables = dict(entry.split("=", 1) for entry in self.config.config.env or ())

    def change(self, kind: str, change: Callable[[Files], object]) -> None:
        """Let `change` have its way with the files of a layer."""
        (place,) = [
            place
            for place, layer in enumerate(self.manifest.layers)
            if layer.annotations.get("clipper-sls.layer") == kind
        ]
        layer = self.manifest.layers[place]
        with tarfile.open(self._layout.path(layer.digest)) as tar:
            members = [(member, tar.extractfile(member)) for member in tar]
            files = {member.name: file.read() for member, file in members if file is not None}
            modes = {member.name: member.mode for member, _ in members}
        change(files)
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, content in sorted(files.items()):
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), modes.get(name, 0o644)
                tar.addfile(member, io.BytesIO(content))
        blob = gzip.compress(archive.getvalue(), mtime=0)
        self._new.keep([blob])
        made = descriptor_of(blob, media_types.LAYER_GZIP, annotations=layer.annotations)
        layers = (*self.manifest.layers[:place], made, *self.manifest.layers[place + 1 :])
        self.manifest = msgspec.structs.replace(self.manifest, layers=layers)
        diff_ids = list(self.config.rootfs.diff_ids)
        diff_ids[place] = digest_of(archive.getvalue())
        rootfs = msgspec.structs.replace(self.config.rootfs, diff_ids=tuple(diff_ids))
        self.config = msgspec.structs.replace(self.config, rootfs=rootfs)

    def annotations(self, kind: str) -> Mapping[str, str]:
        """Of the one layer of that kind."""
        found = [layer.annotations for layer in self.manifest.layers]
        return next(one for one in found if one.get("clipper-sls.layer") == kind)

    def push(self, reference: Reference) -> str:
        env = tuple(f"{name}={value}" for name, value in self.variables.items())
        container = msgspec.structs.replace(self.config.config, labels=self.labels, env=env)
        config = to_json(msgspec.structs.replace(self.config, config=container))
        described = descriptor_of(config, media_types.CONFIG)
        document = to_json(msgspec.structs.replace(self.manifest, config=described))
        self._new.keep([config])
        self.digest = digest_of(document)
        with Registries(docker_config=self._new.folder / "none", pause=_never) as registries:
            repository = registries.repository(reference)
            for blob in (*self.manifest.layers, described):
                repository.push(blob, self._new if self._new.has(blob) else self._layout)
            repository.put_manifest(document, media_types.MANIFEST, reference.identifier)
        return str(reference)


def _never(seconds: float) -> None:
    raise AssertionError("a good registry needs no pause")


@pytest.fixture
def forgery(image: Path, tmp_path: Path) -> Forgery:
    return Forgery(image, tmp_path / "forged")


@pytest.fixture
def place(registry: DockerRegistryUnderTest, tmp_path: Path) -> Reference:
    return Reference.parse(f"{registry.host}/forged/{tmp_path.name.replace('_', '-').lower()}:1")


def _refused(forgery: Forgery, place: Reference) -> tuple[dict[str, str], str]:
    """What was found, and what was said, of an image that must not pass."""
    verification = _verified(forgery.push(place))
    with pytest.raises(ImageDifferenceError) as refused:
        verification.raise_for_differences()
    return _outcomes(verification), refused.value.msg


def test_an_image_as_it_was_built_is_what_it_says(image: Path, forgery: Forgery, place: Reference) -> None:
    for name in (image, forgery.push(place)):
        verification = _verified(name)
        verification.raise_for_differences()
        outcomes = _outcomes(verification)
        assert set(outcomes.values()) == {"agrees"}
        assert {"signature", "bundle", "layer code", "layer weights", "digest of the image"} <= outcomes.keys()


def test_a_layer_that_was_changed_in_the_registry_is_named(forgery: Forgery, place: Reference, storage: Path) -> None:
    forgery.change("code", lambda files: files.update({"opt/clipper/more": b"of this test alone"}))
    name = forgery.push(place)
    layer = forgery.manifest.layers[-1]
    path = _blob(storage, layer.digest)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    verification = _verified(name)
    assert _outcomes(verification)["bytes of layer 5, code"] == "differs"
    with pytest.raises(ImageDifferenceError, match=layer.digest):
        verification.raise_for_differences()


def test_a_layer_of_the_base_that_was_changed_in_the_registry_is_named(
    forgery: Forgery, place: Reference, storage: Path
) -> None:
    name = forgery.push(place)
    path = _blob(storage, forgery.manifest.layers[0].digest)
    before = path.read_bytes()
    path.write_bytes(before[:-9] + bytes([before[-9] ^ 1]) + before[-8:])
    try:
        assert _outcomes(_verified(name))["bytes of layer 1, base"] == "differs"
    finally:
        path.write_bytes(before)


def test_a_layer_that_holds_another_archive_than_the_configuration_says_is_named(
    forgery: Forgery, place: Reference
) -> None:
    """What a container engine would unpack all the same."""
    diff_ids = list(forgery.config.rootfs.diff_ids)
    forgery.change("code", lambda files: files.update({"opt/clipper/more": b""}))
    rootfs = msgspec.structs.replace(forgery.config.rootfs, diff_ids=tuple(diff_ids))
    forgery.config = msgspec.structs.replace(forgery.config, rootfs=rootfs)
    outcomes, said = _refused(forgery, place)
    assert outcomes["bytes of layer 5, code"] == "differs"
    assert "the configuration says" in said


def test_a_manifest_that_was_changed_in_the_registry_is_not_even_read(
    forgery: Forgery, place: Reference, storage: Path
) -> None:
    forgery.labels["of this test"] = "alone"
    name = forgery.push(place)
    path = _blob(storage, forgery.digest)
    path.write_bytes(path.read_bytes().replace(b'"schemaVersion":2', b'"schemaVersion": 2'))
    for reference in (name, str(place.pinned(forgery.digest))):
        with pytest.raises(ImageDigestError, match="manifest"):
            _verified(reference)


def test_a_signature_that_was_changed_is_named(forgery: Forgery, place: Reference) -> None:
    def spoil(files: Files) -> None:
        files[SIGNATURE] = files[SIGNATURE].replace(b'"sig":"', b'"sig":"AAAA')

    forgery.change("code", spoil)
    outcomes, said = _refused(forgery, place)
    assert outcomes["signature"] == "differs"
    assert "not that of the key that it names" in said


def test_an_image_that_somebody_else_has_signed_is_not_trusted(forgery: Forgery, place: Reference) -> None:
    """All is consistent: the stranger's key is the one that the image names."""
    stranger = PublicKey(OTHER_KEY.verify_key.encode())

    def sign_again(files: Files) -> None:
        files[SIGNATURE] = signature_of(Manifest.from_json(files[MANIFEST]), OTHER_KEY, COMMIT)

    forgery.change("code", sign_again)
    forgery.labels["clipper-sls.signed-by"] = forgery.variables["CLIPPER_TRUSTED_KEYS"] = str(stranger)
    outcomes, said = _refused(forgery, place)
    assert "a key that is not trusted here" in said
    assert outcomes["signature"] == "differs"
    for trust in (Trust((PUBLIC_KEY, stranger)), Trust(allows_unsigned=True)):
        assert _outcomes(_verified(place, trust))["signature"] == "agrees"


def test_another_revision_than_was_signed_is_named(forgery: Forgery, place: Reference) -> None:
    forgery.labels["org.opencontainers.image.revision"] = "0" * 40
    outcomes, _ = _refused(forgery, place)
    assert outcomes["revision"] == "differs"


def test_another_bundle_under_a_digest_of_its_own_is_not_what_was_signed(forgery: Forgery, place: Reference) -> None:
    def replace_module(files: Files) -> None:
        manifest = json.loads(files[MANIFEST])
        files[f"{BUNDLE}/modules/shop.py"] = b"other"
        manifest["files"]["modules/shop.py"] = {"sha256": digest_of(b"other").partition(":")[2], "size_bytes": 5}
        files[MANIFEST] = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
        forgery.labels["clipper-sls.bundle-digest"] = Manifest.from_json(files[MANIFEST]).digest

    forgery.change("code", replace_module)
    _, said = _refused(forgery, place)
    assert "that of another bundle" in said


@pytest.mark.parametrize(("kind", "path"), [("code", "modules/shop.py"), ("weights", "weights/w.bin")])
def test_a_file_of_the_bundle_that_was_changed_is_named(
    forgery: Forgery, place: Reference, kind: str, path: str
) -> None:
    forgery.change(kind, lambda files: files.update({f"{BUNDLE}/{path}": b"other"}))
    outcomes, said = _refused(forgery, place)
    assert outcomes["bundle"] == "differs"
    assert path in said


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("code", "opt/clipper/runtime/clipper_sls/runtime/rows.py"),
        ("dependencies", "opt/clipper/packages/tinypackage.py"),
        ("server", "opt/clipper/server/tinyserver.py"),
    ],
)
def test_code_that_does_not_come_from_where_the_image_says_is_named(
    forgery: Forgery, place: Reference, kind: str, path: str
) -> None:
    """A layer whose digest is right; signature, bundle, lock and bill of materials are those of the image."""

    def plant(files: Files) -> None:
        assert path in files
        files[path] += b"\nimport os\n"

    forgery.change(kind, plant)
    outcomes, said = _refused(forgery, place)
    assert f"layer {kind}: changed: {path}" in said
    assert [part for part, outcome in outcomes.items() if outcome == "differs"] == [f"layer {kind}"]


def test_bytecode_that_does_not_come_from_its_source_is_named(forgery: Forgery, place: Reference) -> None:
    def plant(files: Files) -> None:
        (path,) = [path for path in files if path.endswith(".pyc") and "/tinypackage" in path]
        files[path] += b"?"

    forgery.change("dependencies", plant)
    _, said = _refused(forgery, place)
    assert "made by another Python" in said


def test_a_package_that_nobody_has_listed_is_named(forgery: Forgery, place: Reference) -> None:
    info = "opt/clipper/packages/hidden-1.0.dist-info/METADATA"
    forgery.change("dependencies", lambda files: files.update({info: b"Name: hidden\nVersion: 1.0\n"}))
    outcomes, said = _refused(forgery, place)
    assert outcomes["packages and their lock"] == "differs"
    assert "hidden==1.0" in said
    assert f"added: {info}" in said


def test_packages_that_are_not_those_of_the_bundles_lock_are_named(forgery: Forgery, place: Reference) -> None:
    forgery.change(
        "dependencies", lambda files: files.update({"opt/clipper/packages.lock": lock_text(["tinypackage==2.0"])})
    )
    outcomes, said = _refused(forgery, place)
    assert outcomes["packages and the bundle's lock"] == "differs"
    assert "tinypackage==2.0 where clipper.lock has tinypackage==1.0" in said


def test_a_bill_that_leaves_something_out_is_named(forgery: Forgery, place: Reference) -> None:
    forgery.change("code", lambda files: files.update({"opt/clipper/bom.cdx.json": b"{}"}))
    outcomes, _ = _refused(forgery, place)
    assert outcomes["bill of materials"] == "differs"


def test_variables_of_somebody_else_are_named(forgery: Forgery, place: Reference) -> None:
    forgery.variables["LD_PRELOAD"] = "/tmp/evil.so"
    outcomes, said = _refused(forgery, place)
    assert outcomes["configuration"] == "differs"
    assert "evil.so" in said


def test_an_image_without_a_signature_passes_where_that_is_allowed(base: Reference, tmp_path: Path) -> None:
    unsigned = _build(base, tmp_path, is_signed=False)
    assert _outcomes(_verified(unsigned))["signature"] == "differs"
    allowed = _verified(unsigned, Trust(allows_unsigned=True))
    allowed.raise_for_differences()
    assert _outcomes(allowed)["signature"] == "not compared"


def test_an_image_of_another_release_is_compared_as_far_as_it_can_be(
    forgery: Forgery, place: Reference, base: Reference
) -> None:
    annotations = {kind: forgery.annotations(kind) for kind in ("server", "dependencies")}
    packages = {LayerKind(kind): packages_in(told) for kind, told in annotations.items()}

    def older(files: Files) -> None:
        bill = bill_of_materials(
            Manifest.from_json(files[MANIFEST]),
            packages,
            base.pinned(forgery.manifest.annotations[BASE_DIGEST]),
            "0.0.1",
        )
        files["opt/clipper/bom.cdx.json"] = bill

    forgery.change("code", older)
    forgery.labels["clipper-sls.release"] = "0.0.1"
    verification = _verified(forgery.push(place))
    verification.raise_for_differences()
    outcomes = _outcomes(verification)
    assert outcomes["layer dependencies"] == outcomes["layer weights"] == "agrees"
    assert outcomes["layer code"] == outcomes["layer server"] == outcomes["configuration"] == "not compared"


def test_an_image_whose_base_is_gone_does_not_pass(forgery: Forgery, place: Reference, registry: Any) -> None:
    annotations = {**forgery.manifest.annotations, "org.opencontainers.image.base.name": f"{registry.host}/gone:1"}
    forgery.manifest = msgspec.structs.replace(forgery.manifest, annotations=annotations)
    outcomes, said = _refused(forgery, place)
    assert outcomes["build"] == "differs"
    assert "gone" in said


def test_what_is_no_image_of_a_model_does_not_pass(base: Reference) -> None:
    with pytest.raises(ImageDifferenceError, match="has no bundle of a model"):
        _verified(base).raise_for_differences()
