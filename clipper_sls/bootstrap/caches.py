"""The prediction caches of one process."""

from collections.abc import Awaitable, Callable

from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.adapters.local.tiered_cache import TieredPredictionCache
from clipper_sls.errors import InvalidSettingError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.prediction_cache import PredictionCache, RemotePredictionCache

Opened = Callable[[Callable[[], Awaitable[None]]], object]


def prediction_cache(
    *,
    size_bytes: int,
    url: str | None,
    timeout_s: float,
    namespace: str,
    clock: Clock,
    metrics: Metrics,
    opened: Opened,
) -> PredictionCache | None:
    """None when there is to be none. What must be awaited at the end is given to `opened`.

    Raises InvalidSettingError; a server that is away raises nothing.
    """
    near = MemoryPredictionCache(size_bytes, clock=clock, evicted=metrics.cache_evicted)
    if url is None:
        return near if size_bytes else None
    remote = _remote_cache(url, namespace, clock, timeout_s)
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
