"""Which of Clipper's images mean something here."""

import pytest

from clipper_sls.sdk.clipper_images import BaseImage, base_image, built_image, digest_of, with_digest

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("clipper/noop-container:develop", BaseImage.NOOP),
        ("clipper/noop-container", BaseImage.NOOP),
        ("localhost:5000/clipper/noop-container:0.4.1", BaseImage.NOOP),
        (f"clipper/noop-container:0.4.1@sha256:{DIGEST}", BaseImage.NOOP),
        ("clipper/sum-container:0.4.1", BaseImage.SUM),
        ("clipper/python-closure-container:0.4.1", BaseImage.CLOSURE),
        ("clipper/python37-closure-container:0.4.1", BaseImage.CLOSURE),
        ("default", BaseImage.UNKNOWN),
        ("clipper/pytorch-container:0.4.1", BaseImage.UNKNOWN),
        ("my-noop-container:1", BaseImage.UNKNOWN),
        ("", BaseImage.UNKNOWN),
    ],
)
def test_the_base_image_is_known_whatever_its_registry_and_tag(image, expected):
    assert base_image(image) is expected


def test_a_built_image_names_cluster_model_version_and_digest():
    image = built_image(None, "default-cluster", "m", "1", DIGEST)
    assert image == f"default-cluster-m:1@sha256:{DIGEST}"
    assert digest_of(image) == DIGEST


def test_a_registry_comes_first():
    assert built_image("localhost:5000", "c", "m", "1", DIGEST).startswith("localhost:5000/c-m:1@")


@pytest.mark.parametrize("image", ["m:1", "m@sha256:abc", f"m@sha256:{DIGEST}0", f"m:{DIGEST}"])
def test_an_image_without_a_whole_digest_was_not_built_here(image):
    assert digest_of(image) is None


def test_a_digest_replaces_the_one_that_is_there():
    assert with_digest("clipper/noop-container:1", DIGEST) == f"clipper/noop-container:1@sha256:{DIGEST}"
    assert with_digest(f"m:1@sha256:{'f' * 64}", DIGEST) == f"m:1@sha256:{DIGEST}"
