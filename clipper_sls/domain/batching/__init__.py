"""How many rows to put into one call of a model. Pure: latencies go in, sizes come out."""

from clipper_sls.domain.batching.aimd import AimdBatching
from clipper_sls.domain.batching.fixed import FixedBatching
from clipper_sls.domain.batching.policy import BatchingPolicy, batching_for
from clipper_sls.domain.batching.quantile import QuantileBatching

__all__ = ["AimdBatching", "BatchingPolicy", "FixedBatching", "QuantileBatching", "batching_for"]
