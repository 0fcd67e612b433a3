"""An image written out: a folder in the form of the OCI image layout, or the same as one archive.

The archive also holds the `manifest.json` that `docker load` reads, in the way that Docker writes such archives.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from clipper_sls.adapters.oci.layout import BLOBS, INDEX, MARKER, MARKER_CONTENT, Layout
from clipper_sls.adapters.oci.tar_stream import FileEntry, tar_stream
from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.digests import ALGORITHM, Descriptor
from clipper_sls.domain.image.documents import SCHEMA_VERSION, ImageIndex, ImageManifest, to_json
from clipper_sls.errors import ConflictError

ARCHIVE_SUFFIX = ".tar"
DOCKER_MANIFEST = "manifest.json"


def write_image(layout: Layout, image: Descriptor, manifest: ImageManifest, name: str, path: Path) -> None:
    """Write `image`, whose blobs are all in `layout`, to `path`, where nothing may be; complete when it returns.

    `name` is what `docker load` will call it. Raises ConflictError.
    """
    if path.exists():
        raise ConflictError(f"There is something at {path} already; name another place, or remove it")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    _remove(part)
    try:
        blobs = [image, manifest.config, *manifest.layers]
        if path.suffix == ARCHIVE_SUFFIX:
            _write_archive(layout, image, manifest, name, blobs, part)
        else:
            _write_folder(layout, image, blobs, part)
        part.rename(path)
    finally:
        _remove(part)


def _write_folder(layout: Layout, image: Descriptor, blobs: Sequence[Descriptor], path: Path) -> None:
    copy = Layout(path)
    (path / BLOBS).mkdir(parents=True)
    for digest in {blob.digest for blob in blobs}:
        shutil.copyfile(layout.path(digest), copy.path(digest))
    (path / INDEX).write_bytes(_index(image))
    (path / MARKER).write_bytes(MARKER_CONTENT)


def _write_archive(
    layout: Layout, image: Descriptor, manifest: ImageManifest, name: str, blobs: Sequence[Descriptor], path: Path
) -> None:
    files = {_name(blob): FileEntry(layout.path(blob.digest)) for blob in blobs}
    files[MARKER] = FileEntry(MARKER_CONTENT)
    files[INDEX] = FileEntry(_index(image))
    entry = {"Config": _name(manifest.config), "RepoTags": [name], "Layers": [_name(one) for one in manifest.layers]}
    files[DOCKER_MANIFEST] = FileEntry(json.dumps([entry]).encode())
    with path.open("wb") as file:
        for chunk in tar_stream(files):
            file.write(chunk)


def _index(image: Descriptor) -> bytes:
    return to_json(ImageIndex((image,), SCHEMA_VERSION, media_types.INDEX))


def _name(blob: Descriptor) -> str:
    return f"{BLOBS}/{blob.digest.removeprefix(f'{ALGORITHM}:')}"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
