"""The prediction caches of one process."""

from collections.abc import Awaitable, Callable

from clipper_sls.adapters.frontends.messages import CacheSettings
from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.adapters.local.tiered_cache import TieredPredictionCache
from clipper_sls.config import Settings
from clipper_sls.errors import InvalidSettingError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.prediction_cache import PredictionCache, RemotePredictionCache

Opened = Callable[[Callable[[], Awaitable[None]]], object]


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
    remote = _remote_cache(settings.url, settings.namespace, clock, settings.timeout_s)
    tiers = TieredPredictionCache(near, remote, clock=clock, metrics=metrics)
    opened(tiers.close)
    return tiers


def check_remote_cache() -> None:
    """Raises InvalidSettingError when `cache_url` needs what is not installed."""
    try:
        import clipper_sls.adapters.redis.connecting
        import clipper_sls.adapters.redis.prediction_cache  # noqa: F401
    except ImportError as error:
        raise InvalidSettingError(
            f"setting 'cache_url' needs a package that is not installed ({error}): pip install 'clipper-sls[redis]'"
        ) from error


def _remote_cache(url: str, namespace: str, clock: Clock, limit_s: float) -> RemotePredictionCache:
    check_remote_cache()
    from clipper_sls.adapters.redis.connecting import client, place
    from clipper_sls.adapters.redis.prediction_cache import RedisPredictionCache

    cache = RedisPredictionCache(
        client(url, limit_s), name=f"at {place(url)}", namespace=namespace, clock=clock, limit_s=limit_s
    )
    cache.warm_up()
    return cache
