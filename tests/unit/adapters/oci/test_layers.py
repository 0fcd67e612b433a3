"""Layers are what their files are, and nothing else."""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipper_sls.adapters.oci.gzip_stream import StoredGzip, deflated
from clipper_sls.adapters.oci.layers import Layer, write_layer
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.tar_stream import FileEntry, tar_stream
from clipper_sls.domain.image.contents import LayerKind
from clipper_sls.image_errors import ImageBuildError

MIB = 1 << 20
FILES = {
    "opt/clipper/bundle/func.pkl": FileEntry(b"pickle" * 50_000),
    "opt/clipper/bundle/modules/a b.py": FileEntry("naïve".encode()),
    f"opt/clipper/bundle/{'long' * 60}/{'name' * 30}.py": FileEntry(b""),
    "opt/clipper/packages/tool": FileEntry(b"\x7fELF", is_executable=True),
}

PARTS = st.text(st.sampled_from("abc.é _-"), min_size=1, max_size=8).filter(lambda part: part.strip(".") != "")
TREES = st.dictionaries(st.lists(PARTS, min_size=1, max_size=3).map("/".join), st.binary(max_size=2000), max_size=6)


def _written(folder: Path, files: dict[str, FileEntry], kind: LayerKind = LayerKind.CODE) -> Layer:
    return write_layer(Layout(folder), kind, files)


def _members(folder: Path, layer: Layer) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(Layout(folder).path(layer.descriptor.digest)) as tar:
        return {member.name: member for member in tar}


@pytest.mark.parametrize("kind", [LayerKind.CODE, LayerKind.WEIGHTS])
def test_a_layer_unpacks_to_its_files(tmp_path: Path, kind: LayerKind) -> None:
    layer = _written(tmp_path, FILES, kind)
    path = Layout(tmp_path).path(layer.descriptor.digest)
    with tarfile.open(path) as tar:
        content = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}
    assert content == {name: entry.source for name, entry in FILES.items()}
    compressed = path.read_bytes()
    assert layer.descriptor.digest == f"sha256:{hashlib.sha256(compressed).hexdigest()}"
    assert layer.descriptor.size == len(compressed)
    assert layer.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(compressed)).hexdigest()}"


def test_nobody_owns_a_file_and_all_may_read_it(tmp_path: Path) -> None:
    members = _members(tmp_path, _written(tmp_path, FILES))
    assert {(member.uid, member.gid, member.uname, member.gname, member.mtime) for member in members.values()} == {
        (0, 0, "", "", 0)
    }
    assert {oct(member.mode) for member in members.values() if member.isdir()} == {"0o755"}
    assert oct(members["opt/clipper/bundle/func.pkl"].mode) == "0o644"
    assert oct(members["opt/clipper/packages/tool"].mode) == "0o755"


def test_folders_come_before_their_files_and_those_of_the_base_stay_as_they_are(tmp_path: Path) -> None:
    names = list(_members(tmp_path, _written(tmp_path, FILES)))
    assert "opt" not in names
    assert names.index("opt/clipper/bundle") < names.index("opt/clipper/bundle/func.pkl")
    assert len(names) == len(set(names))


@settings(deadline=None)
@given(TREES)
def test_a_layer_is_the_same_in_another_folder_order_time_and_umask(tree: dict[str, bytes]) -> None:
    import tempfile

    files = {name: content for name, content in tree.items() if not any(one.startswith(f"{name}/") for one in tree)}
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        digests = set()
        for folder, umask, moment, order in ((one, 0o022, 1, files), (other, 0o077, 2_000_000_000, reversed(files))):
            before = os.umask(umask)
            try:
                entries = {}
                for index, name in enumerate(order):
                    path = Path(folder, f"{index}.source")
                    path.write_bytes(files[name])
                    os.utime(path, (moment, moment))
                    entries[name] = FileEntry(path)
                layer = _written(Path(folder, "layout"), entries)
            finally:
                os.umask(before)
            digests.add((layer.descriptor.digest, layer.diff_id))
    assert len(digests) == 1


def test_a_layer_is_the_same_in_another_process_time_zone_and_locale(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from clipper_sls.adapters.oci.layers import write_layer\n"
        "from clipper_sls.adapters.oci.layout import Layout\n"
        "from clipper_sls.adapters.oci.tar_stream import FileEntry\n"
        "from clipper_sls.domain.image.contents import LayerKind\n"
        "files = {name: FileEntry(name.encode() * 999) for name in {'a/b', 'a/c', 'd', 'a.b', 'naïve'}}\n"
        "print(write_layer(Layout(Path(sys.argv[1])), LayerKind.DEPENDENCIES, files).descriptor.digest)"
    )
    found = set()
    for index, variables in enumerate(({"TZ": "Asia/Tokyo", "LC_ALL": "C"}, {"TZ": "UTC", "PYTHONHASHSEED": "7"})):
        folder = tmp_path / str(index)
        result = subprocess.run([sys.executable, "-c", code, folder], env=variables, capture_output=True, check=True)
        found.add(result.stdout)
    assert len(found) == 1


def test_these_bytes_are_what_they_were(tmp_path: Path) -> None:
    """Fails when the form of layers changes: every image would then be pushed once more."""
    assert _written(tmp_path, FILES).diff_id == DIFF_ID
    assert _written(tmp_path, FILES, LayerKind.WEIGHTS).descriptor.digest == STORED_DIGEST


DIFF_ID = "sha256:e075ce12c55577b9880fbec9ead7ed9fc99420e30ba9de494f6e6d5de9a1500d"
STORED_DIGEST = "sha256:b4305b5d012beadb65b61bb85b85fd782058a15d3ad52a186a0bdd34394a4dd2"


@given(st.lists(st.binary(max_size=200_000), max_size=4))
def test_stored_and_deflated_bytes_come_back(chunks: list[bytes]) -> None:
    for compressor in (StoredGzip(), deflated()):
        written = b"".join([*map(compressor.compress, chunks), compressor.flush()])
        assert gzip.decompress(written) == b"".join(chunks)
        assert zlib.decompress(written, wbits=31) == b"".join(chunks)


@pytest.mark.parametrize("kind", [LayerKind.WEIGHTS, LayerKind.CODE])
def test_a_large_file_needs_little_memory(tmp_path: Path, kind: LayerKind) -> None:
    large = tmp_path / "weights.bin"
    with large.open("wb") as file:
        file.truncate(96 * MIB)
    tracemalloc.start()
    try:
        _written(tmp_path / "layout", {"opt/clipper/bundle/weights.bin": FileEntry(large)}, kind)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 8 * MIB


class _Growing(type(Path())):  # type: ignore[misc]
    """A file that is said to be smaller than it is, as one that is being written."""

    def stat(self, **options: bool) -> os.stat_result:
        fields = list(super().stat(**options))
        fields[6] -= 1
        return os.stat_result(fields)


def test_a_file_that_changes_while_it_is_read_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "log"
    source.write_bytes(b"12345")
    with pytest.raises(ImageBuildError, match="changed while it was read"):
        _written(tmp_path / "layout", {"x": FileEntry(_Growing(source))})
    assert [path for path in (tmp_path / "layout").rglob("*") if path.is_file()] == []


def test_the_archive_ends_as_tar_demands() -> None:
    content = b"".join(tar_stream({}))
    assert content == bytes(10240)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert tar.getnames() == []
