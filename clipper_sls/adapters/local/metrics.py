"""Metrics of one process: counted once, shown as Prometheus' text and as the JSON that Clipper's frontend answered."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from clipper_sls.adapters.local.clipper_metrics import clipper_json
from clipper_sls.adapters.local.pool_metrics import PoolMetrics
from clipper_sls.adapters.local.prometheus_metrics import PrometheusMetrics
from clipper_sls.adapters.local.tallies import Tallies
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.query import DefaultReason
from clipper_sls.domain.replicas import PoolStatus
from clipper_sls.ports.clock import Clock


class LocalMetrics:
    content_type = CONTENT_TYPE_LATEST

    def __init__(self, *, clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._tallies = Tallies(clock.now, chance)
        self._registry = CollectorRegistry()
        self._registry.register(PrometheusMetrics(self._tallies))

    def show(self, pools: Callable[[], Sequence[PoolStatus]]) -> None:
        """Tell how the hosted versions are doing, too; `pools` is asked each time that somebody looks."""
        self._registry.register(PoolMetrics(pools))

    def answered(self, application: AppName, latency_s: float, rows: int, reasons: Sequence[DefaultReason]) -> None:
        tally = self._tallies.applications[application]
        tally.predictions += rows
        for reason in reasons:
            tally.defaults[reason] += 1
        tally.latency.add(latency_s)
        tally.latency_sample.add(latency_s)
        tally.throughput.mark(rows, self._clock.now())

    def batch(self, model: ModelId, rows: int, latency_s: float, queue_delay_s: float) -> None:
        tally, now = self._tallies.models[model], self._clock.now()
        tally.rows += rows
        tally.batch_size.add(rows)
        tally.size_sample.add(rows)
        tally.batch_latency.add(latency_s)
        tally.latency_sample.add(latency_s)
        tally.queue_delay.add(queue_delay_s)
        tally.throughput.mark(rows, now)
        self._tallies.queue_delay_sample.add(queue_delay_s)
        self._tallies.throughput.mark(rows, now)

    def cache_lookup(self, model: ModelId, hits: int, misses: int) -> None:
        tally = self._tallies.models[model]
        tally.cache_hits += hits
        tally.cache_misses += misses

    def coalesced(self, model: ModelId, rows: int) -> None:
        self._tallies.models[model].coalesced += rows

    def cache_evicted(self, entries: int) -> None:
        self._tallies.cache_evictions += entries

    def cache_failed(self) -> None:
        self._tallies.cache_failures += 1

    def remote_cache_lookup(self, hits: int, misses: int) -> None:
        self._tallies.remote_cache_hits += hits
        self._tallies.remote_cache_misses += misses

    def remote_cache_dropped(self, entries: int) -> None:
        self._tallies.remote_cache_dropped += entries

    def hedged(self, model: ModelId) -> None:
        self._tallies.models[model].hedged_batches += 1

    def hedge_won(self, model: ModelId, *, by_copy: bool) -> None:
        self._tallies.models[model].hedges_won += by_copy

    def throttled(self, model: ModelId) -> None:
        self._tallies.models[model].throttled += 1

    def answered_by_other(self, model: ModelId, number: str, rows: int) -> None:
        self._tallies.models[model].by_others[number] += rows

    def replica_crashed(self, model: ModelId) -> None:
        self._tallies.models[model].crashes += 1

    def prometheus_text(self) -> bytes:
        return generate_latest(self._registry)

    def clipper_json(self) -> dict[str, Any]:
        return clipper_json(self._tallies, self._clock.now())
