"""Images that are read from files, which may hold anything."""

import io
import tarfile
from pathlib import Path

import pytest

from clipper_sls.adapters.oci.layout import BLOBS, INDEX, Layout
from clipper_sls.adapters.oci.sources import from_layout, opened
from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.digests import Descriptor
from clipper_sls.domain.image.documents import (
    ImageConfig,
    ImageIndex,
    RootFilesystem,
    descriptor_of,
    manifest_of,
    to_json,
)
from clipper_sls.image_errors import ImageDigestError, InvalidImageError

CONFIG = to_json(ImageConfig("arm64", "linux", RootFilesystem("layers", ())))
MANIFEST = to_json(manifest_of(descriptor_of(CONFIG, media_types.CONFIG), ()))


def _written(folder: Path, *manifests: Descriptor) -> Layout:
    layout = Layout(folder)
    for document in (CONFIG, MANIFEST):
        layout.keep([document])
    described = manifests or (descriptor_of(MANIFEST, media_types.MANIFEST),)
    (folder / INDEX).write_bytes(to_json(ImageIndex(described, 2)))
    return layout


def _archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def _read(path: Path) -> str:
    with opened(path) as layout:
        return from_layout(layout, layout.only_image().digest, str(path)).config.architecture


def test_a_folder_and_an_archive_of_it_are_the_same_image(tmp_path: Path) -> None:
    _written(tmp_path / "folder")
    files = {
        path.relative_to(tmp_path / "folder").as_posix(): path.read_bytes()
        for path in (tmp_path / "folder").rglob("*")
        if path.is_file()
    }
    assert _read(tmp_path / "folder") == "arm64"
    assert _read(_archive(tmp_path / "image.tar", files)) == "arm64"


def test_an_archive_writes_nothing_but_what_a_layout_has(tmp_path: Path) -> None:
    evil = {f"{BLOBS}/../../../evil": b"x", "/tmp/evil": b"x", f"{BLOBS}/{'0' * 63}": b"x"}
    with opened(_archive(tmp_path / "image.tar", evil)) as layout:
        assert [path for path in layout.folder.rglob("*") if path.is_file()] == []
        assert not (layout.folder.parent / "evil").exists()


def test_a_document_that_was_changed_is_refused(tmp_path: Path) -> None:
    layout = _written(tmp_path)
    path = layout.path(descriptor_of(CONFIG, media_types.CONFIG).digest)
    path.write_bytes(CONFIG.replace(b"arm64", b"amd64"))
    with pytest.raises(ImageDigestError, match="The configuration of"):
        _read(tmp_path)


def test_a_document_that_is_missing_is_named(tmp_path: Path) -> None:
    layout = _written(tmp_path)
    layout.path(descriptor_of(MANIFEST, media_types.MANIFEST).digest).unlink()
    with pytest.raises(InvalidImageError, match=r"The manifest of .* is not in the image layout"):
        _read(tmp_path)


def test_several_images_are_not_one(tmp_path: Path) -> None:
    one = descriptor_of(MANIFEST, media_types.MANIFEST)
    _written(tmp_path, one, one)
    with pytest.raises(InvalidImageError, match="holds 2 images"):
        _read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"text", b"\x1f\x8b\x08\x00" + bytes(20)])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InvalidImageError, match="is no"):
        _read(tmp_path / "file")
