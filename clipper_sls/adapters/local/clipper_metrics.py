"""The metrics under the names, and in the JSON, of Clipper's query frontend (`src/libclipper/src/metrics.cpp`).

Numbers are text there, and so they are here: scripts that read them call `float`.
"""

import random
from collections import defaultdict
from typing import Any

from clipper_sls.adapters.local.meter import Meter
from clipper_sls.adapters.local.reservoir import Reservoir
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.query import DefaultReason
from clipper_sls.ports.clock import Clock

MICROSECONDS = "microseconds"
MICROS_PER_S = 1e6


class ClipperMetrics:
    def __init__(self, *, clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._counters: defaultdict[str, int] = defaultdict(int)
        self._ratios: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._meters: defaultdict[str, Meter] = defaultdict(lambda: Meter(clock.now()))
        self._histograms: defaultdict[tuple[str, str], Reservoir] = defaultdict(lambda: Reservoir(chance))

    def answered(self, application: AppName, latency_s: float, reasons: tuple[DefaultReason | None, ...]) -> None:
        rows, defaults = len(reasons), sum(reason is not None for reason in reasons)
        name = f"app:{application}"
        self._counters[f"{name}:num_predictions"] += rows
        self._add_ratio(f"{name}:default_prediction_ratio", defaults, rows)
        self._meters[f"{name}:prediction_throughput"].mark(rows, self._clock.now())
        self._histograms[f"{name}:prediction_latency", MICROSECONDS].add(latency_s * MICROS_PER_S)

    def batch(self, model: ModelId, rows: int, latency_s: float, queue_delay_s: float) -> None:
        now, name = self._clock.now(), f"model:{model}"
        for counter in ("internal:aggregate_num_predictions", f"{name}:num_predictions"):
            self._counters[counter] += rows
        for meter in ("internal:aggregate_model_throughput", f"{name}:prediction_throughput"):
            self._meters[meter].mark(rows, now)
        self._histograms[f"{name}:prediction_latency", MICROSECONDS].add(latency_s * MICROS_PER_S)
        self._histograms[f"{name}:batch_size", "queries"].add(rows)
        self._histograms["internal:rpc_request_queueing_delay", MICROSECONDS].add(queue_delay_s * MICROS_PER_S)

    def cache_lookup(self, model: ModelId, hits: int, misses: int) -> None:
        self._counters["internal:prediction_cache_lookups"] += hits + misses
        self._add_ratio("internal:prediction_cache_hit_ratio", hits, hits + misses)
        self._add_ratio(f"model:{model}:cache_hit_ratio", hits, hits + misses)

    def to_json(self) -> dict[str, Any]:
        """Four lists of objects with one key each, the metric's name."""
        now = self._clock.now()
        return {
            "counters": [{name: {"count": str(count)}} for name, count in sorted(self._counters.items())],
            "ratio_counters": [
                {name: {"ratio": str(part / whole if whole else 0.0)}}
                for name, (part, whole) in sorted(self._ratios.items())
            ],
            "meters": [
                {name: {"unit": "events per second", **_texts(meter.rates(now))}}
                for name, meter in sorted(self._meters.items())
            ],
            "histograms": [
                {name: {"unit": unit, **_texts(sample.summary())}}
                for (name, unit), sample in sorted(self._histograms.items(), key=lambda entry: entry[0])
            ],
        }

    def _add_ratio(self, name: str, part: int, whole: int) -> None:
        ratio = self._ratios[name]
        ratio[0] += part
        ratio[1] += whole


def _texts(numbers: dict[str, float]) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items()}
