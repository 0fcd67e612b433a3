"""What a build of `runtime_images/python` is sent: a tar archive of files, made while it is sent.

Times and owners are fixed, so that the engine's cache knows what it has built before. Nothing in it is a command: names
of packages lie in JSON files, which a script in the build hands to pip after a `--`.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from clipper_sls.adapters.docker.pip_configuration import pip_configuration
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.contents import PACKAGES_FOLDER, RUNTIME_FOLDER, SERVER_FOLDER

CHUNK_BYTES = 1 << 20
_READABLE = 0o644
_SCRIPTS = ("install.py", "compile.py")


def build_context(context: ImageContext, image: Path) -> Iterator[bytes]:
    """The archive for the Dockerfile and the scripts in the folder `image`. Memory needed does not grow with it."""
    split = context.split
    files: dict[str, Path | bytes] = {"Dockerfile": image / "Dockerfile"}
    files |= {f"build/{name}": image / name for name in _SCRIPTS}
    files["build/pip.conf"] = pip_configuration(os.environ).encode()
    python = context.manifest.python if context.manifest.holds_pickle else None
    files["build/server.json"] = _layer(SERVER_FOLDER, context.server.packages, (), python)
    files["build/packages.json"] = _layer(PACKAGES_FOLDER, context.packages, context.constraints, python)
    for place, folder in ((RUNTIME_FOLDER, context.runtime), (SERVER_FOLDER, context.server.sources)):
        files |= {f"sources/{place}/{path}": folder / path for path in _sources(folder)}
    for kind, paths in (("weights", split.weights), ("code", split.code)):
        files |= {f"{kind}/{path}": context.bundle / path for path in paths}
    return _archive(files, folders=("weights", "code"))


def _layer(folder: str, packages: Sequence[str], constraints: Sequence[str], python: str | None) -> bytes:
    """What `install.py` reads."""
    fields = {"packages": list(packages), "constraints": list(constraints), "python": python, "target": f"/{folder}"}
    return json.dumps(fields).encode()


def _sources(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))


def _archive(files: Mapping[str, Path | bytes], folders: tuple[str, ...]) -> Iterator[bytes]:
    """`folders` are there even when nothing is in them, as `COPY` wants it."""
    for folder in folders:
        yield _header(folder, 0, tarfile.DIRTYPE, 0o755)
    for name, source in sorted(files.items()):
        size_bytes = len(source) if isinstance(source, bytes) else source.stat().st_size
        yield _header(name, size_bytes)
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
        yield bytes(-size_bytes % tarfile.BLOCKSIZE)
    yield bytes(tarfile.RECORDSIZE)


def _header(name: str, size_bytes: int, kind: bytes = tarfile.REGTYPE, mode: int = _READABLE) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.size = kind, mode, size_bytes
    return member.tobuf(tarfile.PAX_FORMAT)
