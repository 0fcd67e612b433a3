import json

import pytest

from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.digests import Descriptor, PlatformFields, digest_of, verify
from clipper_sls.domain.image.documents import (
    ContainerConfig,
    ImageConfig,
    ImageIndex,
    ImageManifest,
    RootFilesystem,
    descriptor_of,
    from_json,
    manifest_of,
    to_json,
)
from clipper_sls.domain.image.platforms import Platform, chosen, elf_machine
from clipper_sls.errors import InvalidSettingError
from clipper_sls.image_errors import ImageDigestError, InvalidImageError, UnknownImageError

LAYER = descriptor_of(b"layer", media_types.LAYER_GZIP, annotations={"b": "2", "a": "1"})
MANIFEST = manifest_of(descriptor_of(b"{}", media_types.CONFIG), (LAYER,))


def test_a_manifest_is_written_canonically_by_the_names_of_the_specification() -> None:
    text = to_json(MANIFEST).decode()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    fields = json.loads(text)
    assert fields["schemaVersion"] == 2
    assert fields["mediaType"] == media_types.MANIFEST
    assert fields["layers"] == [
        {
            "mediaType": media_types.LAYER_GZIP,
            "digest": digest_of(b"layer"),
            "size": 5,
            "annotations": {"a": "1", "b": "2"},
        }
    ]
    assert from_json(text.encode(), ImageManifest, "it") == MANIFEST


def test_a_configuration_has_the_specifications_letter_cases() -> None:
    container = ContainerConfig(user="1:1", env=("A=b",), entrypoint=("x",), working_dir="/w", labels={"l": "v"})
    config = ImageConfig("arm64", "linux", RootFilesystem("layers", (digest_of(b""),)), config=container)
    fields = json.loads(to_json(config))
    assert fields["config"] == {
        "User": "1:1",
        "Env": ["A=b"],
        "Entrypoint": ["x"],
        "WorkingDir": "/w",
        "Labels": {"l": "v"},
    }
    assert fields["rootfs"] == {"type": "layers", "diff_ids": [digest_of(b"")]}


def test_a_configuration_of_docker_can_be_read() -> None:
    written = {
        "architecture": "amd64",
        "os": "linux",
        "docker_version": "20.10",
        "rootfs": {"type": "layers", "diff_ids": [digest_of(b"")]},
        "config": {"Env": None, "Cmd": None, "Labels": None, "Volumes": None, "Tty": False, "WorkingDir": "/x"},
        "history": [{"created": "2026-01-01T00:00:00Z", "empty_layer": True, "comment": "c"}],
    }
    config = from_json(json.dumps(written).encode(), ImageConfig, "it")
    assert config.config.working_dir == "/x"
    assert config.history[0].empty_layer


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"schemaVersion":2,"config":{},"layers":[]}',
        to_json(MANIFEST).replace(b'"size":5', b'"size":-5'),
        to_json(MANIFEST).replace(b"sha256:", b"sha256:../"),
        b'{"a":' * 5000,
    ],
)
def test_what_is_no_manifest_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(InvalidImageError, match="the one of digits"):
        from_json(content, ImageManifest, "the one of digits")


def test_changed_content_is_refused() -> None:
    verify(b"content", digest_of(b"content"), "it")
    with pytest.raises(ImageDigestError, match="The manifest of digits has digest"):
        verify(b"c0ntent", digest_of(b"content"), "The manifest of digits")


def _entry(architecture: str) -> Descriptor:
    return descriptor_of(
        architecture.encode(), media_types.MANIFEST, platform=PlatformFields(architecture=architecture, os="linux")
    )


def test_the_manifest_for_the_platform_is_chosen() -> None:
    index = ImageIndex((_entry("amd64"), _entry("arm64")), 2, media_types.INDEX)
    assert chosen(index.manifests, Platform.ARM64, "it") == _entry("arm64")
    with pytest.raises(UnknownImageError, match="base has no image for linux/arm64; it has linux/amd64, linux/s390x"):
        chosen((_entry("s390x"), _entry("amd64"), LAYER), Platform.ARM64, "base")


def test_a_platform_that_is_not_known_is_refused_with_those_that_are() -> None:
    assert Platform.parse("linux/arm64").wheel_platform.startswith("aarch64-")
    with pytest.raises(InvalidSettingError, match="linux/amd64, linux/arm64"):
        Platform.parse("windows/amd64")


@pytest.mark.parametrize(
    ("head", "machine"),
    [
        (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00", Platform.AMD64.elf_machine),
        (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00", Platform.ARM64.elf_machine),
        (b"\x7fELF\x02\x02\x01" + bytes(9) + b"\x00\x03\x00\x16", 22),
        (b"\x7fELF\x02\x01", None),
        (b"#!/bin/sh" + bytes(20), None),
        (b"", None),
    ],
)
def test_machine_code_tells_its_machine(head: bytes, machine: int | None) -> None:
    assert elf_machine(head) == machine
