"""Metrics of one invocation at a time, as one line of CloudWatch's embedded metric format in the function's log.

CloudWatch makes metrics of such lines by itself, so nobody waits for it. A line also says which request it is of, and
so is what the log says of a request that went well. Powertools is imported for the first of them: what a cold start
must have imported is kept short (docs/adr/0038).
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.query import DefaultReason

if TYPE_CHECKING:
    from aws_lambda_powertools.metrics import EphemeralMetrics

NAMESPACE = "clipper-sls"
MAX_LATENCIES = 99
"""Of one kind in one line, for a metric may have 100 values; what comes beyond them in one invocation is not told."""


class _Figures:
    """Counts, which add up, and latencies in ms, of which each is told."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.latencies: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, **counts: int) -> None:
        for name, count in counts.items():
            self.counts[name] += count

    def took(self, name: str, seconds: float) -> None:
        if len(self.latencies[name]) < MAX_LATENCIES:
            self.latencies[name].append(seconds * 1000)

    def __bool__(self) -> bool:
        return bool(self.counts or self.latencies)


class EmfMetrics:
    """Implements `Metrics`. What was counted since the last `flush` is written by the next one."""

    def __init__(self, stack: str) -> None:
        self._stack = stack
        self._begin()

    def answered(self, application: AppName, latency_s: float, rows: int, reasons: Sequence[DefaultReason]) -> None:
        figures = self._applications[application]
        figures.add(Predictions=rows, Defaults=len(reasons))
        for reason in reasons:
            figures.add(**{f"Defaults.{reason}": 1})
        figures.took("Latency", latency_s)

    def batch(self, model: ModelId, rows: int, latency_s: float, queue_delay_s: float) -> None:
        figures = self._models[str(model)]
        figures.add(Batches=1, BatchRows=rows)
        figures.took("ModelLatency", latency_s)

    def cache_lookup(self, model: ModelId, hits: int, misses: int) -> None:
        self._models[str(model)].add(CacheHits=hits, CacheMisses=misses)

    def coalesced(self, model: ModelId, rows: int) -> None:
        self._models[str(model)].add(Coalesced=rows)

    def cache_evicted(self, entries: int) -> None:
        self._stacks.add(CacheEvictions=entries)

    def cache_failed(self) -> None:
        self._stacks.add(CacheFailures=1)

    def remote_cache_lookup(self, hits: int, misses: int) -> None:
        self._stacks.add(RemoteCacheHits=hits, RemoteCacheMisses=misses)

    def remote_cache_dropped(self, entries: int) -> None:
        self._stacks.add(RemoteCacheDropped=entries)

    def hedged(self, model: ModelId) -> None:
        self._models[str(model)].add(Hedged=1)

    def hedge_won(self, model: ModelId, *, by_copy: bool) -> None:
        self._models[str(model)].add(HedgesWon=int(by_copy))

    def replica_crashed(self, model: ModelId) -> None:
        self._models[str(model)].add(Crashes=1)

    def throttled(self, model: ModelId) -> None:
        self._models[str(model)].add(Throttled=1)

    def answered_by_other(self, model: ModelId, number: str, rows: int) -> None:
        self._models[str(model)].add(AnsweredByOther=rows)

    def flush(self, request_id: str) -> None:
        """Write what was counted: one line where it is of one application and one model, as it nearly always is."""
        applications, models, stacks = self._applications, self._models, self._stacks
        self._begin()
        if len(applications) <= 1 and len(models) <= 1:
            dimensions = [{"Application": name} for name in applications] + [{"Model": name} for name in models]
            self._write(dimensions, [*applications.values(), *models.values(), stacks], request_id)
            return
        for label, group in (("Application", applications), ("Model", models)):
            for name, figures in group.items():
                self._write([{label: name}], [figures], request_id)
        self._write([], [stacks], request_id)

    def _begin(self) -> None:
        self._applications: defaultdict[str, _Figures] = defaultdict(_Figures)
        self._models: defaultdict[str, _Figures] = defaultdict(_Figures)
        self._stacks = _Figures()

    def _write(self, dimensions: Sequence[dict[str, str]], told: Sequence[_Figures], request_id: str) -> None:
        if not any(told):
            return
        from aws_lambda_powertools.metrics import EphemeralMetrics

        line = EphemeralMetrics(namespace=NAMESPACE)
        first, *others = dimensions or [{}]
        for name, value in {"Stack": self._stack, **first}.items():
            line.add_dimension(name, value)
        for other in others:
            line.add_dimensions(Stack=self._stack, **other)
        for figures in told:
            _add(line, figures)
        line.add_metadata("request_id", request_id)
        line.flush_metrics()


def _add(line: "EphemeralMetrics", figures: _Figures) -> None:
    from aws_lambda_powertools.metrics import MetricUnit

    for name, count in figures.counts.items():
        line.add_metric(name, MetricUnit.Count, count)
    for name, latencies in figures.latencies.items():
        for latency_ms in latencies:
            line.add_metric(name, MetricUnit.Milliseconds, latency_ms)
