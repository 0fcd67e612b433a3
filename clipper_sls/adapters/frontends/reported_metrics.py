"""Counting in a front end, for the engine to add up."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence

from clipper_sls.adapters.frontends.messages import OfApplication, OfCaches, OfModel, Report
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.query import DefaultReason


class _Answers:
    __slots__ = ("latencies_s", "reasons", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self.latencies_s = array("d")
        self.reasons: Counter[DefaultReason] = Counter()


class ReportedMetrics:
    """Implements `Metrics`: keeps what happened since the last `report`."""

    def __init__(self) -> None:
        self._begin()

    def report(self) -> Report | None:
        """What was counted since the last one; None when nothing was."""
        report = Report(
            {str(name): _of_application(answers) for name, answers in self._applications.items()},
            [((model.name, model.version), counts) for model, counts in self._models.items()],
            self._caches,
        )
        if not report.applications and not report.models and report.caches == OfCaches():
            return None
        self._begin()
        return report

    def _begin(self) -> None:
        self._applications: defaultdict[AppName, _Answers] = defaultdict(_Answers)
        self._models: defaultdict[ModelId, OfModel] = defaultdict(OfModel)
        self._caches = OfCaches()

    def answered(self, application: AppName, latency_s: float, rows: int, reasons: Sequence[DefaultReason]) -> None:
        answers = self._applications[application]
        answers.rows += rows
        answers.latencies_s.append(latency_s)
        if reasons:
            answers.reasons.update(reasons)

    def batch(self, model: ModelId, rows: int, latency_s: float, queue_delay_s: float) -> None:
        """The engine sees batches itself; a front end has none."""

    def cache_lookup(self, model: ModelId, hits: int, misses: int) -> None:
        counts = self._models[model]
        counts.hits += hits
        counts.misses += misses

    def coalesced(self, model: ModelId, rows: int) -> None:
        self._models[model].coalesced += rows

    def cache_evicted(self, entries: int) -> None:
        self._caches.evicted += entries

    def cache_failed(self) -> None:
        self._caches.failures += 1

    def remote_cache_lookup(self, hits: int, misses: int) -> None:
        self._caches.remote_hits += hits
        self._caches.remote_misses += misses

    def remote_cache_dropped(self, entries: int) -> None:
        self._caches.remote_dropped += entries

    def hedged(self, model: ModelId) -> None:
        """As `batch`."""

    def hedge_won(self, model: ModelId, *, by_copy: bool) -> None:
        """As `batch`."""

    def throttled(self, model: ModelId) -> None:
        """The engine asks itself; a front end asks the engine."""

    def answered_by_other(self, model: ModelId, number: str, rows: int) -> None:
        """As `throttled`."""

    def replica_crashed(self, model: ModelId) -> None:
        """The engine sees replicas itself; a front end has none."""


def _of_application(answers: _Answers) -> OfApplication:
    return OfApplication(answers.rows, answers.latencies_s.tobytes(), dict(answers.reasons))
