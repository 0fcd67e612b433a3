"""The only place that reads the environment. `Settings` is loaded on first use: handlers on AWS do without it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clipper_sls.config.settings import Settings

__all__ = ["Settings"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clipper_sls.config.settings import Settings

    return Settings
