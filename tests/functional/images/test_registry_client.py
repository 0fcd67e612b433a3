"""Pushing and pulling, on good days and on bad ones."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.registry_http import ATTEMPTS
from clipper_sls.adapters.oci.repository import Repository
from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.digests import Descriptor, digest_of
from clipper_sls.domain.image.documents import descriptor_of, manifest_of, to_json
from clipper_sls.domain.image.references import Reference
from clipper_sls.image_errors import ImageDigestError, ImageRegistryError, UnknownImageError
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.faulty_proxy import (
    Answer,
    CutAnswer,
    Deed,
    DropRequest,
    Fault,
    FaultyProxy,
    IgnoreRange,
    SpoilAnswer,
)

Connect = Callable[..., Repository]
SIZES = (0, 1, 65_536, 65_537, 200_000)
"""Below, at and above the size of a chunk."""


def _kept(layout: Layout, size_bytes: int, seed: int = 0) -> Descriptor:
    content = random.Random(f"{seed}/{size_bytes}").randbytes(size_bytes)
    layout.keep([content])
    return descriptor_of(content, media_types.LAYER_GZIP)


def _content(layout: Layout, blob: Descriptor) -> bytes:
    return layout.path(blob.digest).read_bytes()


@pytest.mark.parametrize("size_bytes", SIZES)
def test_a_blob_comes_back_as_it_was_sent(
    registry: DockerRegistryUnderTest, connect: Connect, layout: Layout, name: str, tmp_path: Path, size_bytes: int
) -> None:
    repository, blob, pulled = connect(registry.host, name), _kept(layout, size_bytes), Layout(tmp_path / "pulled")
    assert not repository.has(blob)
    assert repository.push(blob, layout)
    assert repository.has(blob)
    assert not repository.push(blob, layout)
    repository.pull(blob, pulled)
    assert _content(pulled, blob) == _content(layout, blob)


def test_what_the_registry_has_elsewhere_is_mounted_and_not_sent(
    proxy: FaultyProxy, connect: Connect, layout: Layout, name: str
) -> None:
    blob = _kept(layout, 100)
    connect(proxy.host, name).push(blob, layout)
    other = connect(proxy.host, f"{name}/other")
    assert not other.push(blob, layout, mount_from=name)
    assert other.has(blob)
    assert proxy.count("PUT", f"{name}/other") == 0


def test_what_cannot_be_mounted_is_sent(
    registry: DockerRegistryUnderTest, connect: Connect, layout: Layout, name: str
) -> None:
    repository, blob = connect(registry.host, name), _kept(layout, 101)
    assert not repository.mounted(blob, "nothing/there")
    assert repository.push(blob, layout, mount_from="nothing/there")
    assert repository.has(blob)


def test_a_manifest_is_found_by_tag_and_by_digest(
    registry: DockerRegistryUnderTest, connect: Connect, layout: Layout, name: str
) -> None:
    repository, config = connect(registry.host, name), _kept(layout, 2)
    repository.push(config, layout)
    content = to_json(manifest_of(config, ()))
    repository.put_manifest(content, media_types.MANIFEST, "1")
    tagged = Reference.parse(f"{registry.host}/{name}:1")
    assert repository.manifest(tagged) == (content, digest_of(content))
    assert repository.manifest(tagged.pinned(digest_of(content))) == (content, digest_of(content))


def test_where_chunks_are_dropped_blobs_go_in_one_piece(
    registry: DockerRegistryUnderTest, proxy: FaultyProxy, connect: Connect, layout: Layout, name: str, tmp_path: Path
) -> None:
    """Amazon ECR answers a chunk with 201, as if it were all, and keeps none after the first."""
    proxy.fail(Fault("PATCH", "/blobs/uploads/", Answer(201, (("Range", "0-65535"),)), times=100))
    repository, blobs, pulled = connect(proxy.host, name), [_kept(layout, 200_000, n) for n in range(2)], tmp_path / "p"
    for blob in blobs:
        assert repository.push(blob, layout)
        connect(registry.host, name).pull(blob, Layout(pulled))
        assert _content(Layout(pulled), blob) == _content(layout, blob)
    assert proxy.count("PATCH", "/blobs/uploads/") == 1  # it is learnt once


def test_an_image_that_is_not_there_is_named(registry: DockerRegistryUnderTest, connect: Connect, name: str) -> None:
    reference = Reference.parse(f"{registry.host}/{name}:7")
    with pytest.raises(UnknownImageError, match=f"There is no image {registry.host}/{name}:7"):
        connect(registry.host, name).manifest(reference)


def test_a_manifest_whose_layers_are_not_there_is_refused_with_what_the_registry_says(
    registry: DockerRegistryUnderTest, connect: Connect, layout: Layout, name: str
) -> None:
    content = to_json(manifest_of(_kept(layout, 3), ()))
    with pytest.raises(ImageRegistryError, match=r"did not take the manifest.*MANIFEST_BLOB_UNKNOWN"):
        connect(registry.host, name).put_manifest(content, media_types.MANIFEST, "1")


@pytest.mark.parametrize("deed", [Answer(500), Answer(429), DropRequest(), CutAnswer(1000), CutAnswer(), IgnoreRange()])
def test_a_download_goes_on_after_a_failure(
    registry: DockerRegistryUnderTest,
    proxy: FaultyProxy,
    connect: Connect,
    layout: Layout,
    name: str,
    tmp_path: Path,
    deed: Deed,
) -> None:
    blob, pulled = _kept(layout, 200_000), Layout(tmp_path / "pulled")
    connect(registry.host, name).push(blob, layout)
    proxy.fail(Fault("GET", "/blobs/", CutAnswer(100_000)))
    proxy.fail(Fault("GET", "/blobs/", deed, times=3))
    connect(proxy.host, name).pull(blob, pulled)
    assert _content(pulled, blob) == _content(layout, blob)
    assert proxy.count("GET", "/blobs/") >= 2


def test_a_download_asks_only_for_what_it_lacks(
    registry: DockerRegistryUnderTest, proxy: FaultyProxy, connect: Connect, layout: Layout, name: str, tmp_path: Path
) -> None:
    blob, pulled = _kept(layout, 200_000), Layout(tmp_path / "pulled")
    connect(registry.host, name).push(blob, layout)
    for _ in range(ATTEMPTS - 1):
        proxy.fail(Fault("GET", "/blobs/", CutAnswer(45_000)))
    connect(proxy.host, name).pull(blob, pulled)
    assert _content(pulled, blob) == _content(layout, blob)


@pytest.mark.parametrize("deed", [Answer(503), DropRequest(), CutAnswer(10)])
def test_a_download_that_keeps_failing_says_what_on_what(
    registry: DockerRegistryUnderTest,
    proxy: FaultyProxy,
    connect: Connect,
    layout: Layout,
    name: str,
    pauses: list[float],
    tmp_path: Path,
    deed: Deed,
) -> None:
    blob, pulled = _kept(layout, 50_000), Layout(tmp_path / "pulled")
    connect(registry.host, name).push(blob, layout)
    proxy.fail(Fault("GET", "/blobs/", deed, times=100))
    with pytest.raises(
        ImageRegistryError, match=f"{proxy.host} failed {ATTEMPTS} times to give the blob {blob.digest}"
    ):
        connect(proxy.host, name).pull(blob, pulled)
    assert pauses == sorted(pauses)
    assert len(pauses) == ATTEMPTS - 1
    assert not pulled.has(blob)


def test_a_spoilt_blob_is_fetched_once_more_and_never_kept(
    registry: DockerRegistryUnderTest, proxy: FaultyProxy, connect: Connect, layout: Layout, name: str, tmp_path: Path
) -> None:
    blob, pulled = _kept(layout, 50_001), Layout(tmp_path / "pulled")
    connect(registry.host, name).push(blob, layout)
    proxy.fail(Fault("GET", "/blobs/", SpoilAnswer()))
    connect(proxy.host, name).pull(blob, pulled)
    assert _content(pulled, blob) == _content(layout, blob)
    proxy.fail(Fault("GET", "/blobs/", SpoilAnswer(), times=2))
    empty = Layout(tmp_path / "empty")
    with pytest.raises(ImageDigestError, match="was not kept"):
        connect(proxy.host, name).pull(blob, empty)
    assert not empty.has(blob)


def test_a_spoilt_manifest_is_refused(
    registry: DockerRegistryUnderTest, proxy: FaultyProxy, connect: Connect, layout: Layout, name: str
) -> None:
    repository, config = connect(registry.host, name), _kept(layout, 4)
    repository.push(config, layout)
    repository.put_manifest(to_json(manifest_of(config, ())), media_types.MANIFEST, "1")
    proxy.fail(Fault("GET", "/manifests/", SpoilAnswer()))
    with pytest.raises(ImageDigestError, match="nothing of it was used"):
        connect(proxy.host, name).manifest(Reference.parse(f"{proxy.host}/{name}:1"))


@pytest.mark.parametrize("size_bytes", [1000, 200_000])
@pytest.mark.parametrize(
    "deed", [Answer(500), Answer(429, (("Retry-After", "7"),)), DropRequest(), DropRequest(500), CutAnswer()]
)
@pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "PUT"])
def test_an_upload_survives_a_failure_of_any_of_its_steps(
    registry: DockerRegistryUnderTest,
    proxy: FaultyProxy,
    connect: Connect,
    layout: Layout,
    name: str,
    tmp_path: Path,
    size_bytes: int,
    deed: Deed,
    method: str,
) -> None:
    blob, pulled = _kept(layout, size_bytes, seed=hash((repr(deed), method))), Layout(tmp_path / "pulled")
    proxy.fail(Fault(method, "/blobs/", deed))
    connect(proxy.host, name).push(blob, layout)
    connect(registry.host, name).pull(blob, pulled)
    assert _content(pulled, blob) == _content(layout, blob)


def test_a_chunk_that_never_arrived_is_sent_again_alone(
    proxy: FaultyProxy, connect: Connect, layout: Layout, name: str
) -> None:
    blob = _kept(layout, 200_000, seed=5)
    repository = connect(proxy.host, name)
    proxy.fail(Fault("GET", "/uploads/", Answer(503)))
    proxy.fail(Fault("PATCH", "/uploads/", Answer(502), times=2))
    repository.push(blob, layout)
    assert proxy.count("POST", "/uploads/") == 1
    assert proxy.count("PATCH", "/uploads/") == 4 + 2


def test_an_upload_that_keeps_failing_says_what_to_try(
    proxy: FaultyProxy, connect: Connect, layout: Layout, name: str, pauses: list[float]
) -> None:
    proxy.fail(Fault("POST", "/uploads/", Answer(503, (("Retry-After", "3"),)), times=100))
    with pytest.raises(ImageRegistryError, match=r"answered 503.*try again"):
        connect(proxy.host, name).push(_kept(layout, 10), layout)
    assert pauses[:4] == [3.0] * 4


def test_nobody_there_is_an_error_of_ours(connect: Connect, layout: Layout, proxy: FaultyProxy, name: str) -> None:
    from clipper_sls.testing.ports import free_port

    with pytest.raises(ImageRegistryError, match="ConnectError"):
        connect(f"127.0.0.1:{free_port()}", name).push(_kept(layout, 10), layout)
