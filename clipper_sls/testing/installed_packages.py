"""Packages that are installed here, as files for an image and as wheels, so that a test need not ask an index."""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.utils import canonicalize_name

from clipper_sls.packaging.locking import locked


def closure(names: Iterable[str]) -> list[Distribution]:
    """The packages of these names and all that they need here, those of their extras left out; in order of names."""
    return [distribution(pin.partition("==")[0]) for pin in locked(names, (), excluded=())]


def files_of(found: Distribution) -> Iterator[tuple[str, Path]]:
    """Path below the folder of packages, and where the file is. Scripts, and bytecode, are left out."""
    for file in found.files or ():
        path = Path(str(file.locate()))
        if ".." not in file.parts and "__pycache__" not in file.parts and path.is_file():
            yield file.as_posix(), path


def repacked(found: Distribution, folder: Path) -> Path:
    """Its wheel, in `folder`, under a name by which images take it, whichever C library is newer here."""
    tags = [
        line.partition(": ")[2] for line in (found.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: ")
    ]
    tag = re.sub(r"manylinux_2_(\d+)", lambda found: f"manylinux_2_{min(28, int(found[1]))}", _of_python_3(tags))
    path = folder / f"{canonicalize_name(found.name).replace('-', '_')}-{found.version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for inner, source in files_of(found):
            archive.write(source, inner)
    return path


def _of_python_3(tags: Sequence[str]) -> str:
    """Of a wheel for Python 2 and 3 the latter."""
    return next((tag for tag in tags if not tag.startswith("py2-")), tags[0])
