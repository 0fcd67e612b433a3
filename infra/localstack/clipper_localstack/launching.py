"""What is started for a function: a model's bundle that stands for its image, or a Python handler of a zip archive."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

IMAGE_FOLDER = "CLIPPER_SLS_IMAGE_FOLDER"
PYTHON = "CLIPPER_LOCALSTACK_PYTHON"
"""The interpreter that functions run on: one in which clipper-sls is installed, with what models need."""

TETHER = "clipper_sls.runtime.tethered"
MODEL_RUNTIME = "clipper_sls.runtime"
_PASSED_ON = ("PATH", "HOME", "LANG", "CLIPPER_TRUSTED_KEYS", "CLIPPER_ALLOW_UNSIGNED")


class LaunchError(Exception):
    """A function cannot be started here; the message says what to set."""


@dataclass(frozen=True, slots=True)
class Launch:
    command: tuple[str, ...]
    folder: Path
    variables: Mapping[str, str]


def launch_of(
    *, image_uri: str | None, handler: str | None, code_folder: Path | None, variables: Mapping[str, object]
) -> Launch:
    """`variables` are the function's, as LocalStack made them. Raises LaunchError."""
    given = {name: str(value) for name, value in variables.items()}
    given.pop("TZ", None)  # LocalStack's is a path of its image's
    host = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    python = _set(PYTHON)
    if image_uri is not None:
        bundle = bundle_folder(image_uri)
        ours = {
            "LAMBDA_TASK_ROOT": str(bundle),
            "CLIPPER_BUNDLE_PATH": str(bundle),
            "CLIPPER_BUNDLE_DIGEST": bundle.name,
            "PYTHONUNBUFFERED": "1",
            "PYTHONSAFEPATH": "1",
        }
        return Launch((python, "-m", MODEL_RUNTIME), bundle.parent, {**host, **given, **ours})
    if handler is None or code_folder is None:
        raise LaunchError("Only Python handlers in zip archives and images of models are run here")
    ours = {"LAMBDA_TASK_ROOT": str(code_folder), "PYTHONPATH": str(code_folder), "PYTHONUNBUFFERED": "1"}
    return Launch((python, "-m", TETHER, "awslambdaric", handler), code_folder, {**host, **given, **ours})


def bundle_folder(image_uri: str) -> Path:
    """Of the bundle that stands for an image. Raises LaunchError."""
    _, separator, digest = image_uri.partition("@sha256:")
    folder = Path(_set(IMAGE_FOLDER)) / digest
    if not separator or not folder.is_dir():
        raise LaunchError(
            f"No bundle stands for the image {image_uri}: there is no {folder}. Deploy the model again, with the "
            f"setting image_folder of both sides the same"
        )
    return folder


def _set(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise LaunchError(
            f"The environment variable {variable} of LocalStack is not set; see infra/localstack/README.md"
        )
    return value
