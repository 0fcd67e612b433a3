"""The Python SDK: Clipper's `clipper_admin`, by its names."""

from clipper_sls.sdk.clipper_images import CLIPPER_REGISTRY
from clipper_sls.sdk.connection import ClipperConnection
from clipper_sls.sdk.container_manager import DEFAULT_PREDICTION_CACHE_SIZE_BYTES, ContainerManager
from clipper_sls.sdk.exceptions import ClipperException, UnconnectedException
from clipper_sls.sdk.lambda_container_manager import LambdaContainerManager
from clipper_sls.sdk.local_container_manager import LocalContainerManager

DEFAULT_LABEL: list[str] = []
CLIPPER_TEMP_DIR = "/tmp/clipper"  # noqa: S108 - Clipper's constant, which its scripts read; nothing here writes there
CONTAINERLESS_MODEL_IMAGE = "NO_CONTAINER"

__registry__ = CLIPPER_REGISTRY

__all__ = [
    "ClipperConnection",
    "ContainerManager",
    "LambdaContainerManager",
    "LocalContainerManager",
    "ClipperException",
    "UnconnectedException",
    "CLIPPER_TEMP_DIR",
    "CONTAINERLESS_MODEL_IMAGE",
    "DEFAULT_LABEL",
    "DEFAULT_PREDICTION_CACHE_SIZE_BYTES",
    "__registry__",
]
