"""clipper-sls: trained models in production, on serverless AWS or on one machine.

Names are loaded on first use, so that importing this package inside a model image or for `--help` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clipper_sls.errors import ClipperError as ClipperException
    from clipper_sls.sdk import (
        CLIPPER_TEMP_DIR,
        DEFAULT_LABEL,
        DEFAULT_PREDICTION_CACHE_SIZE_BYTES,
        ClipperConnection,
        LambdaContainerManager,
        LocalContainerManager,
        UnconnectedException,
        __registry__,
    )

__version__ = "0.1.0"

__all__ = [
    "ClipperConnection",
    "LambdaContainerManager",
    "LocalContainerManager",
    "ClipperException",
    "UnconnectedException",
    "CLIPPER_TEMP_DIR",
    "DEFAULT_LABEL",
    "DEFAULT_PREDICTION_CACHE_SIZE_BYTES",
    "__registry__",
    "__version__",
]

_HOMES = {"ClipperException": ("clipper_sls.errors", "ClipperError")}
"""What does not live in the SDK under its own name."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES.get(name, ("clipper_sls.sdk", name))
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
