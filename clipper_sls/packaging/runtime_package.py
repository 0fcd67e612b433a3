"""The runtime for an environment that lacks clipper-sls: its sources in a folder, and the packages they need."""

import hashlib
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import clipper_sls
from clipper_sls.packaging.locking import locked

RUNTIME_PACKAGES = ("awslambdaric", "cloudpickle", "numpy")

RUNTIME_REQUIREMENTS = tuple(f"{name}=={version(name)}" for name in RUNTIME_PACKAGES)
"""What a model's own environment must hold beside the model's packages; the versions are those of this host."""


def runtime_lock() -> tuple[str, ...]:
    """The versions on this host of those, and of all that they need."""
    return locked(RUNTIME_REQUIREMENTS, (), excluded=())


_PARTS = ("__init__.py", "errors.py", "py.typed", "domain/**/*.py", "runtime/**/*.py")


def stage_runtime(destination: Path) -> Path:
    """Copy the runtime's sources below `destination`; returns the folder to put on PYTHONPATH.

    The folder is named by its content: it is made once per release, never changed, and is complete whenever it exists.
    """
    sources = _sources()
    staged = destination / f"runtime-{_digest(sources)[:16]}"
    if staged.exists():
        return staged
    destination.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".runtime-", dir=destination))
    try:
        for relative, content in sources.items():
            target = building / "clipper_sls" / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        building.chmod(0o755)
        building.rename(staged)
    except OSError:
        shutil.rmtree(building, ignore_errors=True)
        if not staged.exists():  # else another process was first, with the same content
            raise
    return staged


def _sources() -> dict[str, bytes]:
    package = Path(clipper_sls.__file__).parent
    paths = sorted(path for part in _PARTS for path in package.glob(part))
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in paths}


def _digest(sources: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for relative, content in sources.items():
        digest.update(f"{relative}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
