"""What is counted of applications and models: written on the hot path in a microsecond or two, read when asked for."""

import random
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from clipper_sls.adapters.local.meter import Meter
from clipper_sls.adapters.local.reservoir import Reservoir
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.query import DefaultReason

LATENCY_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH_BOUNDS_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)


class Histogram:
    """How many values lie up to each bound and above the one before it; the last count is of those above all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class ApplicationTally:
    """Of the answers of one application; latencies in seconds."""

    __slots__ = ("defaults", "latency", "latency_sample", "predictions", "throughput")

    def __init__(self, now: float, chance: random.Random) -> None:
        self.predictions = 0
        self.defaults: Counter[DefaultReason] = Counter()
        self.latency = Histogram(LATENCY_BOUNDS_S)
        self.latency_sample = Reservoir(chance)
        self.throughput = Meter(now)


class ModelTally:
    """Of one model version; times in seconds, sizes in rows."""

    __slots__ = (
        *(
            "batch_latency",
            "batch_size",
            "by_others",
            "cache_hits",
            "cache_misses",
            "coalesced",
            "crashes",
            "hedged_batches",
            "hedges_won",
            "latency_sample",
            "queue_delay",
        ),
        *("rows", "size_sample", "throttled", "throughput"),
    )

    def __init__(self, now: float, chance: random.Random) -> None:
        self.rows = 0
        self.cache_hits = 0
        self.cache_misses = 0
        self.coalesced = 0
        self.crashes = 0
        self.throttled = 0
        self.by_others: Counter[str] = Counter()  # rows by the number of the published version that answered
        self.hedged_batches = 0
        self.hedges_won = 0
        self.batch_size = Histogram(BATCH_BOUNDS_ROWS)
        self.batch_latency = Histogram(LATENCY_BOUNDS_S)
        self.queue_delay = Histogram(LATENCY_BOUNDS_S)
        self.latency_sample = Reservoir(chance)
        self.size_sample = Reservoir(chance)
        self.throughput = Meter(now)


class Tallies:
    """All of them, by name. Names are registered ones, so their number is bounded."""

    def __init__(self, now: Callable[[], float], chance: random.Random) -> None:
        self.applications: defaultdict[AppName, ApplicationTally] = defaultdict(lambda: ApplicationTally(now(), chance))
        self.models: defaultdict[ModelId, ModelTally] = defaultdict(lambda: ModelTally(now(), chance))
        self.queue_delay_sample = Reservoir(chance)
        self.throughput = Meter(now())
        self.cache_evictions = 0
        self.cache_failures = 0
        self.remote_cache_hits = 0
        self.remote_cache_misses = 0
        self.remote_cache_dropped = 0
