"""Bundles as folders: what is stored is whole, private and synced, and a damaged one is replaced by the next upload."""

import asyncio
import io
import stat
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipper_sls.adapters.local.bundle_directory import MAX_MANIFEST_BYTES, BundleDirectory
from clipper_sls.domain.bundle import MANIFEST_NAME
from clipper_sls.errors import ClipperError, InvalidBundleError, StoreError
from clipper_sls.testing.contracts.bundle_store import FILES, chunks, good_tar, manifest_of, tar_of
from clipper_sls.testing.signing import ANYBODY

LIMIT_BYTES = 1_000_000
DIGEST = manifest_of(FILES).digest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "bundles"


@pytest.fixture
def store(root: Path) -> BundleDirectory:
    return BundleDirectory(root, LIMIT_BYTES, lambda: ANYBODY)


def _stored(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _names(root: Path) -> list[str]:
    return [path.name for path in root.iterdir()]


def _whole(files: dict[str, bytes]) -> dict[str, bytes]:
    manifest = manifest_of(files)
    return {f"{manifest.digest}/{path}": content for path, content in files.items()} | {
        f"{manifest.digest}/{MANIFEST_NAME}": manifest.to_json()
    }


def test_only_the_owner_may_look_into_the_folder(store: BundleDirectory, root: Path) -> None:
    asyncio.run(store.put(chunks(good_tar())))
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", ["changed", "removed", "added"])
async def test_a_bundle_damaged_in_the_folder_is_replaced_by_the_next_upload(
    store: BundleDirectory, root: Path, damage: str
) -> None:
    await store.put(chunks(good_tar()))
    file = root / DIGEST / "func.pkl"
    if damage == "changed":
        file.write_bytes(b"?" * file.stat().st_size)
    elif damage == "removed":
        file.unlink()
    else:
        file.with_name("extra.py").write_text("")
    await store.put(chunks(good_tar()))
    assert _stored(root) == _whole(FILES)


async def test_the_same_bundle_twice_is_not_written_again(store: BundleDirectory, root: Path) -> None:
    await store.put(chunks(good_tar()))
    before = (root / DIGEST / "func.pkl").stat().st_ino
    await store.put(chunks(good_tar()))
    assert (root / DIGEST / "func.pkl").stat().st_ino == before


async def test_the_same_bundle_from_many_at_once_is_stored_once(store: BundleDirectory, root: Path) -> None:
    manifests = await asyncio.gather(*(store.put(chunks(good_tar())) for _ in range(8)))
    assert {manifest.digest for manifest in manifests} == {DIGEST}
    assert _stored(root) == _whole(FILES)


async def test_an_upload_that_breaks_off_leaves_nothing(store: BundleDirectory, root: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield good_tar()[:700]
        raise ConnectionError("gone")

    with pytest.raises((ConnectionError, StoreError)):
        await store.put(broken())
    assert _names(root) == []


async def test_an_upload_that_is_cancelled_leaves_nothing(store: BundleDirectory, root: Path) -> None:
    is_waiting = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield good_tar()[:700]
        is_waiting.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(store.put(endless()))
    await is_waiting.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert _names(root) == []


def test_a_file_in_the_place_of_the_folder_is_a_store_error(store: BundleDirectory, root: Path) -> None:
    root.write_text("in the way")
    with pytest.raises(StoreError, match=str(root)):
        asyncio.run(store.put(chunks(good_tar())))
    with pytest.raises(InvalidBundleError, match="deploy it again"):
        asyncio.run(store.manifest(DIGEST))


async def test_what_a_killed_engine_left_is_swept_with_the_unneeded(store: BundleDirectory, root: Path) -> None:
    await store.keep_only(set())
    await store.put(chunks(good_tar()))
    (root / ".incoming-left-behind").mkdir()
    (root / ".incoming-left-behind" / "bundle.tar").write_bytes(b"half")
    await store.keep_only({DIGEST})
    assert _names(root) == [DIGEST]


def _special(kind: bytes, target: str = "") -> bytes:
    """As `good_tar`, but `func.pkl` is something else than a plain file."""
    buffer = io.BytesIO(tar_of({MANIFEST_NAME: manifest_of(FILES).to_json(), "modules/shop/prices.py": b"PRICE = 1\n"}))
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        member = tarfile.TarInfo("func.pkl")
        member.type, member.linkname = kind, target
        tar.addfile(member)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "modules/shop/prices.py"),
        (tarfile.LNKTYPE, "modules/shop/prices.py"),
        (tarfile.FIFOTYPE, ""),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.DIRTYPE, ""),
    ],
)
async def test_only_plain_files_are_taken(store: BundleDirectory, root: Path, kind: bytes, target: str) -> None:
    with pytest.raises(InvalidBundleError, match=r"func\.pkl"):
        await store.put(chunks(_special(kind, target)))
    assert _names(root) == []


async def test_a_manifest_that_would_fill_the_memory_is_not_read(root: Path) -> None:
    store = BundleDirectory(root, 2 * MAX_MANIFEST_BYTES, lambda: ANYBODY)
    with pytest.raises(InvalidBundleError, match=MANIFEST_NAME):
        await store.put(chunks(tar_of({MANIFEST_NAME: bytes(MAX_MANIFEST_BYTES + 1)}), MAX_MANIFEST_BYTES))


names = st.sampled_from(["func.pkl", "a.py", "modules/a.py", "modules/b/c.py", "modules/b/__init__.py"])


@given(st.dictionaries(names, st.binary(max_size=3_000), max_size=4), st.integers(1, 20_000))
@settings(max_examples=10, deadline=None)
async def test_any_files_come_back_as_they_were_however_they_are_cut(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], chunk_bytes: int
) -> None:
    root = tmp_path_factory.mktemp("round")
    store = BundleDirectory(root, LIMIT_BYTES, lambda: ANYBODY)
    await store.put(chunks(tar_of({MANIFEST_NAME: manifest_of(files).to_json(), **files}), chunk_bytes))
    assert _stored(root) == _whole(files)


@given(st.integers(0, len(good_tar()) - 1), st.binary(min_size=1, max_size=60))
@settings(max_examples=80, deadline=None)
async def test_a_changed_archive_is_refused_or_is_the_same_bundle(
    tmp_path_factory: pytest.TempPathFactory, start: int, change: bytes
) -> None:
    root = tmp_path_factory.mktemp("changed")
    archive = good_tar()
    changed = archive[:start] + change + archive[start + len(change) :]
    try:
        manifest = await BundleDirectory(root, LIMIT_BYTES, lambda: ANYBODY).put(chunks(changed))
    except ClipperError:
        assert _stored(root) == {}
    else:
        assert _stored(root).keys() == {f"{manifest.digest}/{path}" for path in (MANIFEST_NAME, *manifest.files)}
