"""What every batching policy does, and which one a model version gets."""

from typing import Protocol, assert_never

from clipper_sls.domain.batching.aimd import AimdBatching
from clipper_sls.domain.batching.fixed import FixedBatching
from clipper_sls.domain.batching.latency_line import LatencyLine
from clipper_sls.domain.batching.quantile import QuantileBatching
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE, ModelVersion
from clipper_sls.domain.serving import Batching


class BatchingPolicy(Protocol):
    """Chooses the size of the next batch; fed with what the last ones took.

    `budget_s` is how long the most urgent row of a batch had, from its arrival to its deadline.
    """

    def next_size(self, budget_s: float) -> int:
        """At most how many rows to take; at least 1."""
        ...

    def settled_size(self, budget_s: float) -> int | None:
        """`next_size` once that has stopped to grow; None while larger batches are still to be tried."""
        ...

    def observe(self, size: int, latency_s: float, budget_s: float) -> None:
        """A batch of `size` rows took `latency_s` in the replica, and the version's line has been told."""
        ...


def batching_for(version: ModelVersion, line: LatencyLine) -> BatchingPolicy:
    """Clipper's argument: a positive batch size is a fixed maximum, -1 leaves the choice to what the version names.

    `line` is what batches of the version take.
    """
    if version.batch_size != ADAPTIVE_BATCH_SIZE:
        return FixedBatching(version.batch_size)
    match version.serving.batching:
        case Batching.AIMD:
            return AimdBatching(line)
        case Batching.QUANTILE:
            return QuantileBatching()
        case _:
            assert_never(version.serving.batching)
