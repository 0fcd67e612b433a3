"""In a model's image: the interpreter, the bundle and the memory are those of the container."""

import sys
from collections.abc import AsyncIterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import psutil

from clipper_sls.adapters.engine.interpreters import Interpreter
from clipper_sls.adapters.engine.limits import MIB
from clipper_sls.domain.bundle import MANIFEST_NAME, Manifest
from clipper_sls.errors import InvalidBundleError

_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_OF_THE_SERVER = "CLIPPER_SERVER_"


class ImagePython:
    """One interpreter for the one model; `python_path` is where the image has the runtime and the packages."""

    def __init__(self, python_path: str, variables: Mapping[str, str]) -> None:
        passed = {name: value for name, value in variables.items() if not name.startswith(_OF_THE_SERVER)}
        self._interpreter = Interpreter(Path(sys.executable), python_path, passed)

    async def interpreter_for(self, manifest: Manifest) -> Interpreter:
        return self._interpreter


class ImageBundle:
    """A `BundleStore` with one bundle, which nobody can change. What runs it verifies it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, archive: AsyncIterable[bytes]) -> Manifest:
        raise InvalidBundleError("The bundle of an image cannot be changed; build another image")

    async def manifest(self, digest: str) -> Manifest:
        return self.read()

    def read(self) -> Manifest:
        """Raises InvalidBundleError."""
        try:
            return Manifest.from_json((self._folder / MANIFEST_NAME).read_bytes())
        except OSError as error:
            raise InvalidBundleError(f"There is no readable bundle in {self._folder}: {error}") from error

    def path(self, digest: str) -> Path:
        return self._folder

    async def keep_only(self, digests: AbstractSet[str]) -> None:
        return


def container_memory_mib(limits: tuple[Path, ...] = _CGROUP_LIMITS) -> int:
    """What the container may use, all processes together: its control group's limit, or the machine's memory."""
    known = [psutil.virtual_memory().total]
    for path in limits:
        try:
            known.append(int(path.read_text()))
        except (OSError, ValueError):  # not this version of control groups; "max"
            continue
    return max(1, min(known) // MIB)
