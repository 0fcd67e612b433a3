"""Zip archives of functions, fetched once and unpacked in a folder each, which is named by their digest."""

import asyncio
import base64
import binascii
import hashlib
import io
import shutil
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

from clipper_sls.domain.functions.hosted import ZipCode
from clipper_sls.errors import InvalidBundleError

Fetch = Callable[[str], Awaitable[bytes]]
MAX_UNPACKED_BYTES = 250 * 1024 * 1024
"""Lambda's own limit."""


class CodeFolder:
    def __init__(self, folder: Path, fetch: Fetch) -> None:
        self._folder = folder
        self._fetch = fetch
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def unpacked(self, code: ZipCode) -> Path:
        """The folder with the archive's content. Raises InvalidBundleError."""
        path = self._folder / _folder_name(code.sha256)
        async with self._locks[code.sha256]:
            if not await asyncio.to_thread(path.exists):
                content = await self._fetch(code.location)
                if base64.b64encode(hashlib.sha256(content).digest()).decode() != code.sha256:
                    raise InvalidBundleError(
                        f"What is at {code.location} is not the code of this version any more: the server keeps only "
                        f"the newest archive of a function. Publish a version again"
                    )
                await asyncio.to_thread(_unpack, content, path)
        return path


def _folder_name(sha256: str) -> str:
    try:
        return base64.b64decode(sha256, validate=True).hex()
    except binascii.Error:
        return hashlib.sha256(sha256.encode()).hexdigest()


def _unpack(content: bytes, path: Path) -> None:
    """All of it or nothing is at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix=".incoming-", dir=path.parent))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise InvalidBundleError(f"The function's archive has more than {MAX_UNPACKED_BYTES} bytes unpacked")
            archive.extractall(incoming)  # it leaves no path out of the folder
        incoming.rename(path)
    except zipfile.BadZipFile as error:
        raise InvalidBundleError(f"The function's archive cannot be read: {error}; upload its code again") from error
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
