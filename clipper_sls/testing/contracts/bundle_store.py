"""What every bundle store must do.

A subclass has the fixtures `store`, which takes 1,000,000 bytes at most, and `strict_store`, the same but for bundles
that are signed with the key of `testing.signing`.
"""

import hashlib
import io
import tarfile
from collections.abc import AsyncIterator, Mapping

import pytest

from clipper_sls.domain.bundle import CLOSURE_ENTRY, MANIFEST_NAME, SIGNATURE_FILE, BundledFile, Manifest
from clipper_sls.domain.signature import MAX_SIGNATURE_BYTES
from clipper_sls.errors import BundleDigestError, InvalidBundleError, RequestTooLargeError, UntrustedBundleError
from clipper_sls.ports.bundle_store import BundleStore
from clipper_sls.testing.signing import OTHER_KEY, SIGNING_KEY, signature_of

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


def signed_tar(signature: bytes | None = None) -> bytes:
    """As `good_tar`, with a signature: the right one, unless another is given."""
    manifest = manifest_of(FILES)
    signed = signature_of(manifest) if signature is None else signature
    return tar_of({MANIFEST_NAME: manifest.to_json(), SIGNATURE_FILE: signed, **FILES})


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

    async def test_a_bundle_is_kept_with_its_signature(self, strict_store: BundleStore) -> None:
        manifest = await strict_store.put(chunks(signed_tar()))
        assert manifest == manifest_of(FILES)
        assert (strict_store.path(manifest.digest) / SIGNATURE_FILE).read_bytes() == signature_of(manifest)

    @pytest.mark.parametrize(
        "archive",
        [
            good_tar(),
            signed_tar(signature_of(manifest_of(FILES), OTHER_KEY)),
            signed_tar(signature_of(manifest_of({}))),
            signed_tar(b"{}"),
            signed_tar(bytes(MAX_SIGNATURE_BYTES + 1)),
        ],
        ids=["unsigned", "by somebody else", "of another bundle", "no signature", "too large"],
    )
    async def test_what_nobody_trusted_has_signed_is_refused_and_not_kept(
        self, strict_store: BundleStore, archive: bytes
    ) -> None:
        with pytest.raises((UntrustedBundleError, InvalidBundleError)):
            await strict_store.put(chunks(archive))
        with pytest.raises(InvalidBundleError):
            await strict_store.manifest(manifest_of(FILES).digest)

    async def test_a_bundle_may_be_signed_later_and_by_another(self, store: BundleStore) -> None:
        digest = (await store.put(chunks(good_tar()))).digest
        for key in (OTHER_KEY, SIGNING_KEY):
            signature = signature_of(manifest_of(FILES), key)
            await store.put(chunks(signed_tar(signature)))
            await store.put(chunks(good_tar()))
            assert (store.path(digest) / SIGNATURE_FILE).read_bytes() == signature

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
