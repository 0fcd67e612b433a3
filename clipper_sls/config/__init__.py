"""The only place that reads the environment."""

from clipper_sls.config.settings import Settings

__all__ = ["Settings"]
