"""What every bundle store must do. A subclass has the fixture `store`, which takes 1,000,000 bytes at most."""

import hashlib
import io
import tarfile
from collections.abc import AsyncIterator, Mapping

import pytest

from clipper_sls.domain.bundle import CLOSURE_ENTRY, MANIFEST_NAME, BundledFile, Manifest
from clipper_sls.errors import BundleDigestError, InvalidBundleError, RequestTooLargeError
from clipper_sls.ports.bundle_store import BundleStore

FILES = {"func.pkl": b"not really a pickle", "modules/shop/prices.py": b"PRICE = 1\n"}


def manifest_of(files: Mapping[str, bytes]) -> Manifest:
    listed = {path: BundledFile(hashlib.sha256(content).hexdigest(), len(content)) for path, content in files.items()}
    return Manifest("price", "1", "doubles", CLOSURE_ENTRY, "3.11", "3.1.2", files=listed)


def tar_of(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


async def chunks(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def good_tar() -> bytes:
    return tar_of({MANIFEST_NAME: manifest_of(FILES).to_json(), **FILES})


def linked_tar() -> bytes:
    """As `good_tar`, but one file is a link to a file of the machine."""
    buffer = io.BytesIO(tar_of({MANIFEST_NAME: manifest_of(FILES).to_json(), "modules/shop/prices.py": b"PRICE = 1\n"}))
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        member = tarfile.TarInfo("func.pkl")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    return buffer.getvalue()


class BundleStoreContract:
    async def test_a_bundle_is_kept_under_its_digest(self, store: BundleStore) -> None:
        manifest = await store.put(chunks(good_tar()))
        assert manifest == manifest_of(FILES)
        assert await store.manifest(manifest.digest) == manifest
        for path, content in FILES.items():
            assert (store.path(manifest.digest) / path).read_bytes() == content

    async def test_the_same_bundle_may_come_again(self, store: BundleStore) -> None:
        assert await store.put(chunks(good_tar())) == await store.put(chunks(good_tar()))

    async def test_an_unknown_digest_is_refused(self, store: BundleStore) -> None:
        with pytest.raises(InvalidBundleError, match="deploy it again"):
            await store.manifest("f" * 64)

    @pytest.mark.parametrize(
        ("name", "archive"),
        [
            ("empty", b""),
            ("no tar", b"x" * 5000),
            ("cut off", good_tar()[:1500]),
            ("no manifest", tar_of(FILES)),
            ("manifest is no JSON", tar_of({MANIFEST_NAME: b"{", **FILES})),
            ("a file too many", tar_of({MANIFEST_NAME: manifest_of(FILES).to_json(), **FILES, "extra": b""})),
            ("a file too few", tar_of({MANIFEST_NAME: manifest_of(FILES).to_json(), "func.pkl": b"x"})),
            ("out of the folder", tar_of({MANIFEST_NAME: manifest_of({"../evil": b""}).to_json(), "../evil": b""})),
            ("absolute", tar_of({MANIFEST_NAME: manifest_of({"/evil": b""}).to_json(), "/evil": b""})),
            ("a link", linked_tar()),
        ],
    )
    async def test_what_is_no_bundle_is_refused(self, store: BundleStore, name: str, archive: bytes) -> None:
        with pytest.raises(InvalidBundleError):
            await store.put(chunks(archive))

    async def test_a_changed_file_is_refused_and_nothing_is_kept(self, store: BundleStore) -> None:
        changed = {**FILES, "func.pkl": b"really an attack..."}
        with pytest.raises(BundleDigestError, match=r"func\.pkl"):
            await store.put(chunks(tar_of({MANIFEST_NAME: manifest_of(FILES).to_json(), **changed})))
        with pytest.raises(InvalidBundleError):
            await store.manifest(manifest_of(FILES).digest)

    async def test_a_bundle_over_the_limit_is_refused(self, store: BundleStore) -> None:
        with pytest.raises(RequestTooLargeError):
            await store.put(chunks(bytes(1_000_001), 100_000))

    async def test_only_what_is_needed_is_kept(self, store: BundleStore) -> None:
        kept = await store.put(chunks(good_tar()))
        other = {"func.pkl": b"another"}
        dropped = await store.put(chunks(tar_of({MANIFEST_NAME: manifest_of(other).to_json(), **other})))
        await store.keep_only({kept.digest})
        assert await store.manifest(kept.digest) == kept
        with pytest.raises(InvalidBundleError):
            await store.manifest(dropped.digest)
