"""The prediction caches of one process."""

from clipper_sls.adapters.frontends.messages import CacheSettings
from clipper_sls.adapters.local.first_sights import FirstSights
from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.adapters.local.tiered_cache import TieredPredictionCache
from clipper_sls.bootstrap.remote_caches import Opened, is_table, remote_cache
from clipper_sls.config import Settings
from clipper_sls.config.environment import environment
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.prediction_cache import PredictionCache


def cache_settings(settings: Settings) -> CacheSettings:
    return CacheSettings(
        size_bytes=settings.cache_size_bytes,
        url=None if settings.cache_url is None else settings.cache_url.get_secret_value(),
        timeout_s=settings.cache_timeout_ms / 1000,
        namespace=settings.cluster_name,
    )


def prediction_cache(
    settings: CacheSettings, *, clock: Clock, metrics: Metrics, opened: Opened
) -> PredictionCache | None:
    """None when there is to be none. What must be awaited at the end is given to `opened`.

    Raises InvalidSettingError; a server that is away raises nothing.
    """
    near = MemoryPredictionCache(settings.size_bytes, clock=clock, evicted=metrics.cache_evicted)
    if settings.url is None:
        return near if settings.size_bytes else None
    remote = remote_cache(
        settings.url,
        settings.namespace,
        clock=clock,
        limit_s=settings.timeout_s,
        environment=environment(),
        opened=opened,
    )
    first_sights = FirstSights() if is_table(settings.url) else None
    tiers = TieredPredictionCache(near, remote, clock=clock, metrics=metrics, first_sights=first_sights)
    opened(tiers.close)
    return tiers
