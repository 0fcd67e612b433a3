"""Bundles as folders, each named by its digest."""

import asyncio
import filecmp
import hashlib
import os
import shutil
import tarfile
import tempfile
import threading
from collections.abc import AsyncIterable, Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

from clipper_sls.adapters.local.storage_errors import translated
from clipper_sls.domain.bundle import MANIFEST_NAME, SIGNATURE_FILE, BundledFile, Manifest
from clipper_sls.domain.signature import MAX_SIGNATURE_BYTES
from clipper_sls.domain.trust import Trust, check_signature
from clipper_sls.errors import BundleDigestError, InvalidBundleError, RequestTooLargeError

MAX_MANIFEST_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
INCOMING = ".incoming-"


class BundleDirectory:
    """An upload is unpacked and verified beside the others, and takes its name in one step when all of it is right.

    `trust` says for each whose bundles are taken.
    """

    def __init__(self, root: Path, max_size_bytes: int, trust: Callable[[], Trust]) -> None:
        self._root = root
        self._trust = trust
        self._max_size_bytes = max_size_bytes
        self._placing = threading.Lock()  # uploads of one bundle may end at the same time

    async def put(self, archive: AsyncIterable[bytes]) -> Manifest:
        incoming = await asyncio.to_thread(self._new_folder)
        try:
            await self._receive(archive, incoming / "bundle.tar")
            return await asyncio.to_thread(self._store, incoming)
        finally:
            await asyncio.to_thread(shutil.rmtree, incoming, ignore_errors=True)

    async def manifest(self, digest: str) -> Manifest:
        path = self.path(digest) / MANIFEST_NAME
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InvalidBundleError(f"No bundle {digest} was uploaded to this engine; deploy it again") from error
        return Manifest.from_json(content)

    def path(self, digest: str) -> Path:
        return self._root / digest

    async def keep_only(self, digests: AbstractSet[str]) -> None:
        def remove_others() -> None:
            for folder in self._root.iterdir() if self._root.exists() else ():
                if folder.name not in digests:
                    shutil.rmtree(folder, ignore_errors=True)

        await asyncio.to_thread(remove_others)

    def _new_folder(self) -> Path:
        with translated(self._root):
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix=INCOMING, dir=self._root))

    async def _receive(self, archive: AsyncIterable[bytes], path: Path) -> None:
        size_bytes = 0
        with translated(path), path.open("wb") as file:
            async for chunk in archive:
                size_bytes += len(chunk)
                if size_bytes > self._max_size_bytes:
                    raise RequestTooLargeError(f"The bundle is larger than {self._max_size_bytes} bytes")
                await asyncio.to_thread(file.write, chunk)

    def _store(self, incoming: Path) -> Manifest:
        with translated(self._root):
            manifest = _unpack(incoming / "bundle.tar", incoming / "content", self._trust())
            with self._placing:
                self._place(incoming, self.path(manifest.digest))
        return manifest

    def _place(self, incoming: Path, destination: Path) -> None:
        content = incoming / "content"
        if destination.exists() and not _is_same(destination, content):  # damaged since it was stored
            destination.rename(incoming / "damaged")
        if not destination.exists():
            _sync_tree(content)
            content.rename(destination)
            _sync(self._root)
        elif (signature := content / SIGNATURE_FILE).exists():
            _sync(signature)
            signature.rename(destination / SIGNATURE_FILE)
            _sync(destination)


def _unpack(archive: Path, folder: Path, trust: Trust) -> Manifest:
    """Extract the manifest, the signature, then exactly the files that are listed.

    Raises InvalidBundleError, UntrustedBundleError or BundleDigestError.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            members = {member.name: member for member in tar.getmembers()}
            manifest = Manifest.from_json(_read(tar, members.get(MANIFEST_NAME)))
            _check_members(members, manifest)
            signature = _read_signature(tar, members.get(SIGNATURE_FILE))
            check_signature(signature, manifest, trust)
            folder.mkdir()
            if signature is not None:
                (folder / SIGNATURE_FILE).write_bytes(signature)
            (folder / MANIFEST_NAME).write_bytes(manifest.to_json())
            for path, expected in manifest.files.items():
                _extract(tar, members[path], folder / path, expected)
    except (tarfile.TarError, EOFError, ValueError) as error:  # ValueError: a number in a header that is none
        raise InvalidBundleError(f"The bundle is not a readable tar archive: {error}") from error
    return manifest


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> bytes:
    file = tar.extractfile(member) if member is not None and member.isreg() else None
    if member is None or file is None or member.size > MAX_MANIFEST_BYTES:
        raise InvalidBundleError(f"The bundle has no readable {MANIFEST_NAME}")
    return file.read()


def _read_signature(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> bytes | None:
    if member is None:
        return None
    file = tar.extractfile(member) if _is_plain(member) else None
    if file is None or member.size > MAX_SIGNATURE_BYTES:
        raise InvalidBundleError(f"The bundle's {SIGNATURE_FILE} cannot be read")
    return file.read()


def _check_members(members: dict[str, tarfile.TarInfo], manifest: Manifest) -> None:
    files = {name for name, member in members.items() if not member.isdir()} - {SIGNATURE_FILE}
    expected = {MANIFEST_NAME, *manifest.files}
    odd = sorted(files ^ expected) or sorted(name for name in expected if not _is_plain(members[name]))
    if odd:
        names = ", ".join(map(repr, odd[:5]))
        raise InvalidBundleError(f"The bundle's files are not those that its manifest lists: {names}")


def _is_plain(member: tarfile.TarInfo) -> bool:
    """A file whose bytes are all there; a sparse one may be a few in the archive and fill the disk."""
    return member.isreg() and not member.issparse()


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, expected: BundledFile) -> None:
    source = tar.extractfile(member)
    assert source is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
    if (digest.hexdigest(), member.size) != (expected.sha256, expected.size_bytes):
        raise BundleDigestError(
            f"The bundle's file {member.name!r} is not what its manifest says: it was changed after it was packed. "
            f"Nothing of it was loaded; deploy the model again"
        )


def _is_same(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files with the same bytes; who has signed them is another matter."""
    paths = _content(one)
    return paths == _content(other) and all(
        filecmp.cmp(one / path, other / path, shallow=False) for path in paths if (one / path).is_file()
    )


def _content(folder: Path) -> list[Path]:
    return sorted({path.relative_to(folder) for path in folder.rglob("*")} - {Path(SIGNATURE_FILE)})


def _sync_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
