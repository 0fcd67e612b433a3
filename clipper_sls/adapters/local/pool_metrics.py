"""The pools as Prometheus sees them: how many replicas there are at the moment, and how many rows wait."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from clipper_sls.adapters.local.prometheus_metrics import MODEL
from clipper_sls.domain.replicas import PoolStatus, ReplicaState


class PoolMetrics(Collector):
    """`pools` is asked each time that somebody looks."""

    def __init__(self, pools: Callable[[], Sequence[PoolStatus]]) -> None:
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        replicas = GaugeMetricFamily("clipper_replicas", "Replicas there are", labels=(*MODEL, "state"))
        queued = GaugeMetricFamily("clipper_queued_rows", "Rows that wait for a replica", labels=MODEL)
        for pool in self._pools():
            labels = (pool.model.name, pool.model.version)
            states = Counter(replica.state for replica in pool.replicas)
            for state in ReplicaState:
                replicas.add_metric((*labels, state.value), states[state])
            queued.add_metric(labels, pool.queued_rows)
        yield from (replicas, queued)
