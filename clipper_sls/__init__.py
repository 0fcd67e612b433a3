"""clipper-sls: trained models in production, on serverless AWS or on one machine.

Names are loaded on first use, so that importing this package inside a model image or for `--help` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clipper_sls.errors import ClipperError as ClipperException
    from clipper_sls.sdk import ClipperConnection, LocalContainerManager, UnconnectedException

__version__ = "0.1.0"

__all__ = ["ClipperConnection", "ClipperException", "LocalContainerManager", "UnconnectedException", "__version__"]

_HOMES = {
    "ClipperConnection": ("clipper_sls.sdk", "ClipperConnection"),
    "ClipperException": ("clipper_sls.errors", "ClipperError"),
    "LocalContainerManager": ("clipper_sls.sdk", "LocalContainerManager"),
    "UnconnectedException": ("clipper_sls.sdk", "UnconnectedException"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
