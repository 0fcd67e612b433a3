import pytest

from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.contents import LAYER_ANNOTATION, PACKAGES_ANNOTATION
from clipper_sls.domain.image.documents import ContainerConfig, ImageConfig, RootFilesystem, descriptor_of, manifest_of
from clipper_sls.domain.image.report import check_budget, report_on
from clipper_sls.image_errors import ImageTooLargeError

CONFIG = ImageConfig("arm64", "linux", RootFilesystem("layers", ()), config=ContainerConfig(labels={"a": "b"}))


def test_a_report_has_the_largest_packages_first_and_all_layers_in_order() -> None:
    packages = {LAYER_ANNOTATION: "dependencies", PACKAGES_ANNOTATION: '{"small 1":1,"large 2":9}'}
    layers = [
        descriptor_of(b"base", media_types.LAYER_GZIP),
        descriptor_of(b"packages", media_types.LAYER_GZIP, annotations=packages),
    ]
    report = report_on("sha256:x", manifest_of(descriptor_of(b"{}", media_types.CONFIG), layers), CONFIG)
    assert [(layer.kind, layer.size_bytes) for layer in report.layers] == [("base", 4), ("dependencies", 8)]
    assert list(report.packages.items()) == [("large 2", 9), ("small 1", 1)]
    assert (report.platform, report.size_bytes, report.labels) == ("linux/arm64", 14, {"a": "b"})


def test_an_image_over_its_budget_is_told_what_is_large() -> None:
    packages = {LAYER_ANNOTATION: "dependencies", PACKAGES_ANNOTATION: '{"small 1":1000000,"large 2":9000000}'}
    layer = descriptor_of(b"packages", media_types.LAYER_GZIP, annotations=packages)
    report = report_on("sha256:x", manifest_of(descriptor_of(b"{}", media_types.CONFIG), [layer]), CONFIG)
    check_budget(report, 10, "m:1")
    with pytest.raises(ImageTooLargeError, match=r"m:1 has .* packages, unpacked: large 2 9\.0 MB, small 1 1\.0 MB"):
        check_budget(report, 9, "m:1")


def test_an_image_of_others_is_all_base_whatever_its_annotations_say() -> None:
    strange = descriptor_of(b"x", media_types.LAYER_GZIP, annotations={PACKAGES_ANNOTATION: "none of yours"})
    report = report_on("sha256:x", manifest_of(descriptor_of(b"{}", media_types.CONFIG), [strange]), CONFIG)
    assert [layer.kind for layer in report.layers] == ["base"]
    assert report.packages == {}
