"""Equal bundles are equal archives."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from clipper_sls.errors import InvalidBundleError
from clipper_sls.packaging.archive import CHUNK_BYTES, archive
from clipper_sls.packaging.bundling import bundle_directory

LONG_NAME = "/".join(["name"] * 60) + "/größe.bin"


def make(folder: Path) -> Path:
    saved = folder / "saved"
    for name, content in {"b": b"b" * 1000, "a": b"", LONG_NAME: b"x", "large": b"y" * (2 * CHUNK_BYTES + 1)}.items():
        (saved / name).parent.mkdir(parents=True, exist_ok=True)
        (saved / name).write_bytes(content)
    bundle_directory(
        saved, name="m", version="1", input_type="json", entry="builtin:noop", destination=folder / "bundle"
    )
    return folder / "bundle"


def test_it_is_a_tar_of_the_manifest_and_the_files(tmp_path: Path) -> None:
    folder = make(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive(folder)))) as tar:
        assert tar.getnames() == ["manifest.json", "a", "b", "large", LONG_NAME]
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            assert content.read() == (folder / member.name).read_bytes()


def test_it_holds_nothing_of_this_machine_or_moment(tmp_path: Path) -> None:
    first, second = make(tmp_path / "first"), make(tmp_path / "second")
    os.utime(second / "b", (1, 1))
    (second / "b").chmod(0o700)
    (second / "unlisted").write_text("left out")
    assert b"".join(archive(first)) == b"".join(archive(second))


def test_a_large_file_comes_in_pieces(tmp_path: Path) -> None:
    assert max(len(piece) for piece in archive(make(tmp_path))) <= CHUNK_BYTES


@pytest.mark.parametrize("content", [b"short", b"b" * 1001])
def test_a_file_that_changed_its_size_is_refused(content: bytes, tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "b").write_bytes(content)
    with pytest.raises(InvalidBundleError, match="changed while it was being sent"):
        list(archive(folder))
