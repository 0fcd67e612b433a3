"""Where the Dockerfiles of `runtime_images/` are: inside the installed package, or beside it in a checkout."""

from pathlib import Path

import clipper_sls

FOLDER = "runtime_images"


def runtime_image(name: str) -> Path:
    """The folder of one of them. Raises FileNotFoundError."""
    package = Path(clipper_sls.__file__).parent
    for parent in (package, package.parent):
        if (parent / FOLDER / name / "Dockerfile").is_file():
            return parent / FOLDER / name
    raise FileNotFoundError(f"{FOLDER}/{name}/Dockerfile is neither in nor beside {package}")
