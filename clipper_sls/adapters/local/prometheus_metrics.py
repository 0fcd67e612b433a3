"""The tallies as Prometheus sees them."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from clipper_sls.adapters.local.tallies import Histogram, Tallies

APPLICATION, MODEL = ("application",), ("model", "version")


class PrometheusMetrics(Collector):
    def __init__(self, tallies: Tallies) -> None:
        self._tallies = tallies

    def collect(self) -> Iterator[Metric]:
        yield from self._of_applications()
        yield from self._of_models()
        yield from self._of_caches()

    def _of_caches(self) -> Iterator[Metric]:
        tallies = self._tallies
        failures = CounterMetricFamily("clipper_cache_failures", "Look-ups and writes that failed")
        failures.add_metric((), tallies.cache_failures)
        evictions = CounterMetricFamily("clipper_cache_evictions", "Entries given up to make room")
        evictions.add_metric((), tallies.cache_evictions)
        lookups = CounterMetricFamily(
            "clipper_remote_cache_lookups", "Rows looked up in `cache_url`", labels=("result",)
        )
        lookups.add_metric(("hit",), tallies.remote_cache_hits)
        lookups.add_metric(("miss",), tallies.remote_cache_misses)
        dropped = CounterMetricFamily("clipper_remote_cache_dropped", "Outputs not written to `cache_url`")
        dropped.add_metric((), tallies.remote_cache_dropped)
        yield from (failures, evictions, lookups, dropped)

    def _of_applications(self) -> Iterator[Metric]:
        predictions = CounterMetricFamily("clipper_predictions", "Rows answered", labels=APPLICATION)
        defaults = CounterMetricFamily("clipper_defaults", "Rows answered by default", labels=(*APPLICATION, "reason"))
        latency = HistogramMetricFamily("clipper_query_latency_seconds", "Queries", labels=APPLICATION)
        for name, tally in self._tallies.applications.items():
            predictions.add_metric((name,), tally.predictions)
            for reason, count in tally.defaults.items():
                defaults.add_metric((name, reason.value), count)
            _add(latency, (name,), tally.latency)
        yield from (predictions, defaults, latency)

    def _of_models(self) -> Iterator[Metric]:
        size = HistogramMetricFamily("clipper_batch_rows", "Batch sizes", labels=MODEL)
        latency = HistogramMetricFamily("clipper_batch_latency_seconds", "Batches", labels=MODEL)
        delay = HistogramMetricFamily("clipper_queue_delay_seconds", "Oldest row of a batch", labels=MODEL)
        lookups = CounterMetricFamily("clipper_cache_lookups", "Rows looked up", labels=(*MODEL, "result"))
        coalesced = CounterMetricFamily("clipper_coalesced_rows", "Rows that shared a call", labels=MODEL)
        crashes = CounterMetricFamily("clipper_replica_crashes", "Replicas that died", labels=MODEL)
        hedged = CounterMetricFamily("clipper_hedged_batches", "Batches asked of a second replica", labels=MODEL)
        won = CounterMetricFamily("clipper_hedges_won", "Of these, those that it answered first", labels=MODEL)
        throttled = CounterMetricFamily("clipper_throttled_batches", "Batches that AWS had no room for", labels=MODEL)
        others = CounterMetricFamily(
            "clipper_rows_of_other_versions", "Rows that another published version answered", labels=(*MODEL, "number")
        )
        for model, tally in self._tallies.models.items():
            labels = (model.name, model.version)
            _add(size, labels, tally.batch_size)
            _add(latency, labels, tally.batch_latency)
            _add(delay, labels, tally.queue_delay)
            lookups.add_metric((*labels, "hit"), tally.cache_hits)
            lookups.add_metric((*labels, "miss"), tally.cache_misses)
            coalesced.add_metric(labels, tally.coalesced)
            crashes.add_metric(labels, tally.crashes)
            hedged.add_metric(labels, tally.hedged_batches)
            won.add_metric(labels, tally.hedges_won)
            throttled.add_metric(labels, tally.throttled)
            for number, rows in tally.by_others.items():
                others.add_metric((*labels, number), rows)
        yield from (size, latency, delay, lookups, coalesced, crashes, hedged, won, throttled, others)


def _add(family: HistogramMetricFamily, labels: Sequence[str], histogram: Histogram) -> None:
    bounds = [*(str(float(bound)) for bound in histogram.bounds), "+Inf"]
    counts = accumulate(histogram.counts)
    family.add_metric(
        labels, [(bound, float(count)) for bound, count in zip(bounds, counts, strict=True)], histogram.total
    )
