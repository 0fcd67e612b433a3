"""What every image builder must do.

A subclass has the fixtures `builder`; `patient_builder`, which does not wait between its tries; `context`, of a
bundle of FILES, with a wheel of PACKAGE_FILES as its PACKAGE, on what `testing.images.push_base` pushed; and `place`, a
tag of a registry without TLS that holds nothing yet.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from clipper_sls.domain.bundle import MANIFEST_NAME
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.contents import PACKAGES_LOCK, WEIGHT_BYTES
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.lock import pins_in
from clipper_sls.errors import ConflictError, InvalidNameError
from clipper_sls.image_errors import ImageBuildError, ImageRegistryError, UnknownImageError
from clipper_sls.ports.image_builder import ImageBuilder
from clipper_sls.testing.images import BASE_FILE, PulledImage, bundle_of
from clipper_sls.testing.ports import free_port

FILES = {"weights.bin": b"w" * WEIGHT_BYTES, "modules/shop.py": b"PRICE = 1\n"}
PACKAGE = "tinypackage"
PACKAGE_FILES = {"tinypackage.py": b"def main():\n    return 1\n"}


class ImageBuilderContract:
    def test_what_is_pushed_is_found_by_the_digest_and_by_the_tag(
        self, builder: ImageBuilder, context: ImageContext, place: Reference
    ) -> None:
        image = builder.build(context)
        pinned = builder.push(image, place)
        assert pinned == place.pinned(image.digest)
        assert PulledImage(pinned).digest == PulledImage(place).digest == image.digest

    def test_a_registry_that_answers_is_reached_whatever_it_has(self, builder: ImageBuilder, place: Reference) -> None:
        builder.reach(place)

    def test_a_registry_that_is_away_is_noticed_without_an_image(self, patient_builder: ImageBuilder) -> None:
        with pytest.raises(ImageRegistryError):
            patient_builder.reach(Reference.parse(f"127.0.0.1:{free_port()}/nobody/answers:1"))

    def test_the_size_is_that_of_all_that_is_stored(
        self, builder: ImageBuilder, context: ImageContext, place: Reference
    ) -> None:
        image = builder.build(context)
        assert PulledImage(builder.push(image, place)).manifest.size_bytes == image.size_bytes

    def test_equal_contexts_give_equal_images(self, builder: ImageBuilder, context: ImageContext) -> None:
        assert builder.build(context) == builder.build(context)

    def test_the_bundle_lies_where_its_variable_says_with_the_digest_that_is_checked(
        self, builder: ImageBuilder, context: ImageContext, place: Reference
    ) -> None:
        pulled = PulledImage(builder.push(builder.build(context), place))
        files = pulled.files()
        folder = pulled.variables["CLIPPER_BUNDLE_PATH"].removeprefix("/")
        bundled = {**FILES, MANIFEST_NAME: context.manifest.to_json()}
        assert {path: files[f"{folder}/{path}"] for path in bundled} == bundled
        assert pulled.variables["CLIPPER_BUNDLE_DIGEST"] == context.manifest.digest
        assert (pulled.config.config.labels or {})["clipper-sls.bundle-digest"] == context.manifest.digest

    def test_python_finds_the_packages_and_the_runtime(
        self, builder: ImageBuilder, context: ImageContext, place: Reference
    ) -> None:
        pulled = PulledImage(builder.push(builder.build(context), place))
        files = pulled.files()
        folders = [folder.removeprefix("/") for folder in pulled.variables["PYTHONPATH"].split(":")]
        for module in (*PACKAGE_FILES, "clipper_sls/runtime/__main__.py"):
            assert any(f"{folder}/{module}" in files for folder in folders), module

    def test_the_base_is_below_and_the_runtime_starts_as_nobody(
        self, builder: ImageBuilder, context: ImageContext, place: Reference
    ) -> None:
        pulled = PulledImage(builder.push(builder.build(context), place))
        assert pulled.files()[BASE_FILE] == context.platform.value.encode()
        assert pulled.variables["PATH"].startswith("/usr/local/bin")
        assert list(pulled.config.config.entrypoint or ())[-2:] == ["-m", "clipper_sls.runtime"]
        assert pulled.config.config.user.partition(":")[0] not in ("", "0", "root")
        assert (pulled.config.os, pulled.config.architecture) == ("linux", context.platform.architecture)

    def test_another_version_of_the_code_shares_all_layers_but_the_last(
        self, builder: ImageBuilder, context: ImageContext, place: Reference, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        changed = bundle_of(other, {**FILES, "modules/shop.py": b"PRICE = 2\n"}, version="2")
        first = PulledImage(builder.push(builder.build(context), place)).manifest.layers
        context = replace(context, bundle=other, manifest=changed)
        second = PulledImage(builder.push(builder.build(context), replace(place, tag="2"))).manifest.layers
        assert [layer.digest for layer in first[:-1]] == [layer.digest for layer in second[:-1]]
        assert first[-1].digest != second[-1].digest

    def test_pushing_again_changes_nothing(
        self, builder: ImageBuilder, context: ImageContext, place: Reference
    ) -> None:
        image = builder.build(context)
        assert builder.push(image, place) == builder.push(image, place)

    def test_an_image_is_pushed_to_a_tag(self, builder: ImageBuilder, context: ImageContext, place: Reference) -> None:
        image = builder.build(context)
        with pytest.raises(InvalidNameError, match="Name a tag"):
            builder.push(image, place.pinned(image.digest))

    @pytest.mark.parametrize("name", ["image", "image.tar"])
    def test_what_is_saved_is_never_written_over(
        self, builder: ImageBuilder, context: ImageContext, tmp_path: Path, name: str
    ) -> None:
        image = builder.build(context)
        builder.save(image, tmp_path / "new" / name)
        assert (tmp_path / "new" / name).exists()
        with pytest.raises(ConflictError, match="something at"):
            builder.save(image, tmp_path / "new" / name)
        assert [path.name for path in (tmp_path / "new").iterdir()] == [name]

    def test_what_was_chosen_is_recorded_and_gives_the_same_image_again(
        self, builder: ImageBuilder, context: ImageContext, place: Reference
    ) -> None:
        image = builder.build(replace(context, packages=(PACKAGE,)))
        lock = PulledImage(builder.push(image, place)).files()[PACKAGES_LOCK]
        assert pins_in(lock) == (f"{PACKAGE}==1.0",)
        assert builder.build(replace(context, packages=pins_in(lock))) == image

    def test_a_version_that_is_settled_is_not_chosen_anew(self, builder: ImageBuilder, context: ImageContext) -> None:
        with pytest.raises(ImageBuildError, match=r"2\.0"):
            builder.build(replace(context, packages=(PACKAGE,), constraints=(f"{PACKAGE}==2.0",)))

    def test_what_is_settled_is_not_installed_for_its_own_sake(
        self, builder: ImageBuilder, context: ImageContext
    ) -> None:
        settled = replace(context, constraints=("nothing-of-this-name==1",))
        assert builder.build(settled) == builder.build(context)

    def test_a_base_that_is_not_there_is_named(self, builder: ImageBuilder, context: ImageContext) -> None:
        absent = replace(context.base, tag="absent")
        with pytest.raises(UnknownImageError, match=str(absent)):
            builder.build(replace(context, base=absent))

    def test_a_package_that_cannot_be_had_is_named(self, builder: ImageBuilder, context: ImageContext) -> None:
        with pytest.raises(ImageBuildError, match="nothing-of-this-name"):
            builder.build(replace(context, packages=("nothing-of-this-name==1",)))
