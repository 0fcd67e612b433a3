"""What of clipper-sls goes where it is not installed: the runtime beside a model, the server into a model's image.

Both are sources in a folder, and the packages that they need.
"""

import hashlib
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import clipper_sls
from clipper_sls.packaging.locking import locked

RUNTIME_PACKAGES = ("awslambdaric", "cloudpickle", "numpy", "pynacl")

RUNTIME_REQUIREMENTS = tuple(f"{name}=={version(name)}" for name in RUNTIME_PACKAGES)
"""What a model's own environment must hold beside the model's packages; the versions are those of this host."""


def runtime_lock() -> tuple[str, ...]:
    """The versions on this host of those, and of all that they need."""
    return locked(RUNTIME_REQUIREMENTS, (), excluded=())


SERVER_PACKAGES = (
    "fastapi",
    "httptools",
    "msgspec",
    "packaging",
    "platformdirs",
    "prometheus-client",
    "psutil",
    "pydantic-settings",
    "uvicorn",
)
"""What the server in an image imports, beside numpy, for which it takes that of the model. Not uvloop: it has 4 MB."""

_RUNTIME_PARTS = ("__init__.py", "errors.py", "py.typed", "domain/**/*.py", "runtime/**/*.py")
_SERVER_PARTS = (
    *_RUNTIME_PARTS,
    "aws_errors.py",
    "image_errors.py",
    "job_errors.py",
    *(f"{package}/**/*.py" for package in ("bootstrap", "config", "http", "ports", "service")),
    *(f"adapters/{package}" for package in ("*.py", "engine/**/*.py", "local/**/*.py")),
)


def server_requirements() -> tuple[str, ...]:
    """Every package that the server needs, with its version on this host: nothing is left to be chosen."""
    return locked(SERVER_PACKAGES, (), excluded=())


def stage_runtime(destination: Path) -> Path:
    """Copy the runtime's sources below `destination`; returns the folder to put on PYTHONPATH.

    The folder is named by its content: it is made once per release, never changed, and is complete whenever it exists.
    """
    return _staged(destination, "runtime", _sources(_RUNTIME_PARTS))


def stage_server(destination: Path) -> Path:
    """As `stage_runtime`, with the sources of an image's server."""
    return _staged(destination, "server", _sources(_SERVER_PARTS))


def _staged(destination: Path, name: str, sources: dict[str, bytes]) -> Path:
    staged = destination / f"{name}-{_digest(sources)[:16]}"
    if staged.exists():
        return staged
    destination.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=destination))
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


def _sources(parts: tuple[str, ...]) -> dict[str, bytes]:
    package = Path(clipper_sls.__file__).parent
    paths = sorted({path for part in parts for path in package.glob(part)})
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in paths}


def _digest(sources: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for relative, content in sources.items():
        digest.update(f"{relative}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
