"""The prediction caches of one environment."""

from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.bootstrap.aws.function import StackFunction
from clipper_sls.ports.prediction_cache import PredictionCache

MIB = 1024 * 1024


def prediction_cache(function: StackFunction) -> PredictionCache | None:
    """None when there is to be none."""
    near = MemoryPredictionCache(
        function.settings.cache_mib * MIB, clock=function.clock, evicted=function.metrics.cache_evicted
    )
    return near if function.settings.cache_mib else None
