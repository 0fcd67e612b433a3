"""The prediction caches of one environment."""

from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.adapters.local.first_sights import FirstSights
from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.adapters.local.tiered_cache import TieredPredictionCache
from clipper_sls.bootstrap.aws.function import StackFunction
from clipper_sls.config.handler_settings import SecondCache
from clipper_sls.ports.prediction_cache import PredictionCache, RemotePredictionCache

MIB = 1024 * 1024
CACHE_LIMIT_S = 0.05
"""A query waits no longer for the second cache; its model may take as long."""


def prediction_cache(function: StackFunction) -> PredictionCache | None:
    """None when there is to be none."""
    clock, metrics, size_bytes = function.clock, function.metrics, function.settings.cache_mib * MIB
    near = MemoryPredictionCache(size_bytes, clock=clock, evicted=metrics.cache_evicted)
    if function.settings.cache is SecondCache.NONE:
        return near if size_bytes else None
    if function.settings.cache is SecondCache.ELASTICACHE:
        return TieredPredictionCache(near, _in_valkey(function), clock=clock, metrics=metrics)
    table = _in_table(function)
    return TieredPredictionCache(near, table, clock=clock, metrics=metrics, first_sights=FirstSights())


def _in_table(function: StackFunction) -> RemotePredictionCache:
    from clipper_sls.adapters.aws.dynamodb.prediction_cache import CONNECT_LIMIT_S, DynamoPredictionCache

    table = DynamoTable(function.client, function.names.cache_table, clock=function.clock, limit_s=CONNECT_LIMIT_S)
    return DynamoPredictionCache(table, clock=function.clock, limit_s=CACHE_LIMIT_S)


def _in_valkey(function: StackFunction) -> RemotePredictionCache:
    from clipper_sls.bootstrap.remote_caches import in_redis

    return in_redis(function.settings.cache_url, function.names.stack, function.clock, CACHE_LIMIT_S)
