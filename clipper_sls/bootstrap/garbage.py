"""Memory that stays, and a collector that leaves it alone."""

import gc

GC_THRESHOLDS = (50_000, 20, 100)
"""New containers before the youngest generation is collected, and collections of one before the next older one."""


def spare_the_garbage_collector() -> None:
    """What is there by now stays, and what a query leaves behind is freed without a collector: looking through all of
    it, 50 ms at a time, would be the tail of every latency."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
