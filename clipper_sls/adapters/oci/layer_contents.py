"""The files of a layer, to compare and to take out."""

import hashlib
import shutil
import tarfile
from pathlib import Path
from typing import IO

from clipper_sls.adapters.oci.layer_files import read_files
from clipper_sls.adapters.oci.layout import CHUNK_BYTES, Layout
from clipper_sls.domain.image.digests import Descriptor
from clipper_sls.domain.image.verification import Contents
from clipper_sls.image_errors import InvalidImageError


def contents(layout: Layout, layer: Descriptor) -> Contents:
    """What stands for each file, by path: its digest and mode, or where a link leads. Raises InvalidImageError."""
    return dict(read_files(layout, layer, _described))


def _described(member: tarfile.TarInfo, file: IO[bytes] | None) -> tuple[str, str]:
    if file is None:
        return member.name, f"{member.type!r} {member.linkname}"
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return member.name, f"{digest.hexdigest()} {member.mode:o}"


def take_out(layout: Layout, layer: Descriptor, below: str, folder: Path) -> None:
    """Write the regular files of the layer's folder `below` into `folder`.

    Raises InvalidImageError for what leads out of it.
    """

    def write(member: tarfile.TarInfo, file: IO[bytes] | None) -> None:
        relative = member.name.removeprefix(f"{below}/")
        if relative == member.name or file is None:
            return
        if any(part in ("", ".", "..") for part in relative.split("/")):
            raise InvalidImageError(f"The layer {layer.digest} holds {member.name!r}, which leads out of its folder")
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as copy:
            shutil.copyfileobj(file, copy)

    for _ in read_files(layout, layer, write):
        pass
