"""The front ends of the embedded engine, put together on its side."""

import socket
import sys
from contextlib import AsyncExitStack

from clipper_sls.adapters.engine.lifeline import Lifeline
from clipper_sls.adapters.frontends.frontends import FrontendLimits, Frontends
from clipper_sls.adapters.frontends.messages import FrontendSetup
from clipper_sls.config import Settings
from clipper_sls.ports.clock import Clock

COMMAND = (sys.executable, "-m", "clipper_sls.bootstrap.frontend")


def engines_frontends(settings: Settings, listener: socket.socket, clock: Clock, opened: AsyncExitStack) -> Frontends:
    """Not started yet. When `opened` is closed, whatever is left of them ends itself."""
    lifeline = Lifeline()
    opened.callback(lifeline.cut)
    return Frontends(
        COMMAND,
        lambda number: _setup(settings, number),
        count=settings.frontends,
        listener=listener,
        lifeline_fd=lifeline.read_fd,
        clock=clock,
        limits=FrontendLimits(start_timeout_s=settings.start_timeout_s, drain_timeout_s=settings.drain_timeout_s),
    )


def _setup(settings: Settings, number: int) -> FrontendSetup:
    return FrontendSetup(
        number=number,
        count=settings.frontends,
        cluster_name=settings.cluster_name,
        cache_size_bytes=settings.cache_size_bytes,
        cache_url=None if settings.cache_url is None else settings.cache_url.get_secret_value(),
        cache_timeout_s=settings.cache_timeout_ms / 1000,
        max_body_bytes=settings.max_body_bytes,
        max_batch_rows=settings.max_batch_rows,
        model_slo_s=settings.model_slo_ms / 1000,
        drain_timeout_s=settings.drain_timeout_s,
    )
