"""Metrics of one process: Prometheus' text, and the JSON that Clipper's frontend answered."""

import random
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from clipper_sls.adapters.local.clipper_metrics import ClipperMetrics
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.query import DefaultReason
from clipper_sls.ports.clock import Clock

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH_BUCKETS_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)


class LocalMetrics:
    """What Prometheus calls children, a metric for given labels, is looked up once and kept: names are few."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, *, clock: Clock, chance: random.Random) -> None:
        self._registry = registry = CollectorRegistry()
        self._clipper = ClipperMetrics(clock=clock, chance=chance)
        app, model = ("application",), ("model", "version")
        self._predictions = Counter("clipper_predictions", "Rows answered", app, registry=registry)
        self._defaults = Counter("clipper_defaults", "Rows answered by default", (*app, "reason"), registry=registry)
        self._latency = Histogram(
            "clipper_query_latency_seconds", "Queries", app, buckets=LATENCY_BUCKETS_S, registry=registry
        )
        self._batch_rows = Histogram(
            "clipper_batch_rows", "Batch sizes", model, buckets=BATCH_BUCKETS_ROWS, registry=registry
        )
        self._batch_latency = Histogram(
            "clipper_batch_latency_seconds", "Batches", model, buckets=LATENCY_BUCKETS_S, registry=registry
        )
        self._queue_delay = Histogram(
            "clipper_queue_delay_seconds", "Oldest row of a batch", model, buckets=LATENCY_BUCKETS_S, registry=registry
        )
        self._lookups = Counter("clipper_cache_lookups", "Rows looked up", (*model, "result"), registry=registry)
        self._crashes = Counter("clipper_replica_crashes", "Replicas that died", model, registry=registry)
        self._cache_failures = Counter("clipper_cache_failures", "Look-ups that failed", registry=registry)
        self._of_application = cache(self._application_children)
        self._of_model = cache(self._model_children)
        self._default_of = cache(self._defaults.labels)

    def answered(self, application: AppName, latency_s: float, reasons: tuple[DefaultReason | None, ...]) -> None:
        predictions, latency = self._of_application(application)
        predictions.inc(len(reasons))
        latency.observe(latency_s)
        for reason in reasons:
            if reason is not None:
                self._default_of(application, reason.value).inc()
        self._clipper.answered(application, latency_s, reasons)

    def batch(self, model: ModelId, rows: int, latency_s: float, queue_delay_s: float) -> None:
        batch_rows, batch_latency, queue_delay, _, _ = self._of_model(model)
        batch_rows.observe(rows)
        batch_latency.observe(latency_s)
        queue_delay.observe(queue_delay_s)
        self._clipper.batch(model, rows, latency_s, queue_delay_s)

    def cache_lookup(self, model: ModelId, hits: int, misses: int) -> None:
        _, _, _, hit, miss = self._of_model(model)
        hit.inc(hits)
        miss.inc(misses)
        self._clipper.cache_lookup(model, hits, misses)

    def cache_failed(self) -> None:
        self._cache_failures.inc()

    def replica_crashed(self, model: ModelId) -> None:
        self._crashes.labels(model.name, model.version).inc()

    def prometheus_text(self) -> bytes:
        return generate_latest(self._registry)

    def clipper_json(self) -> dict[str, Any]:
        return self._clipper.to_json()

    def _application_children(self, application: AppName) -> tuple[Counter, Histogram]:
        return self._predictions.labels(application), self._latency.labels(application)

    def _model_children(self, model: ModelId) -> tuple[Histogram, Histogram, Histogram, Counter, Counter]:
        labels = (model.name, model.version)
        return (
            self._batch_rows.labels(*labels),
            self._batch_latency.labels(*labels),
            self._queue_delay.labels(*labels),
            self._lookups.labels(*labels, "hit"),
            self._lookups.labels(*labels, "miss"),
        )
