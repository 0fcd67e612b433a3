"""The tallies under the names, and in the JSON, of Clipper's query frontend (`src/libclipper/src/metrics.cpp`).

Numbers are text there, and so they are here: scripts that read them call `float`.
"""

from collections.abc import Iterator
from typing import Any

from clipper_sls.adapters.local.meter import Meter
from clipper_sls.adapters.local.reservoir import Reservoir
from clipper_sls.adapters.local.tallies import ModelTally, Tallies

MICROS_PER_S = 1e6

Entry = tuple[str, dict[str, str]]


def clipper_json(tallies: Tallies, now: float) -> dict[str, Any]:
    """Four lists of objects with one key each, the metric's name."""
    return {
        "counters": _listed(_counters(tallies)),
        "ratio_counters": _listed(_ratios(tallies)),
        "meters": _listed(_meters(tallies, now)),
        "histograms": _listed(_histograms(tallies)),
    }


def _counters(tallies: Tallies) -> Iterator[Entry]:
    models = tallies.models.values()
    yield "internal:aggregate_num_predictions", _count(sum(tally.rows for tally in models))
    yield "internal:prediction_cache_lookups", _count(sum(map(_lookups, models)))
    yield "internal:prediction_cache_failures", _count(tallies.cache_failures)
    yield "internal:remote_cache_lookups", _count(tallies.remote_cache_hits + tallies.remote_cache_misses)
    yield "internal:remote_cache_dropped", _count(tallies.remote_cache_dropped)
    for app, tally in tallies.applications.items():
        yield f"app:{app}:num_predictions", _count(tally.predictions)
    for model, of_model in tallies.models.items():
        yield f"model:{model}:num_predictions", _count(of_model.rows)


def _ratios(tallies: Tallies) -> Iterator[Entry]:
    models = tallies.models.values()
    yield (
        "internal:prediction_cache_hit_ratio",
        _ratio(sum(one.cache_hits for one in models), sum(map(_lookups, models))),
    )
    yield (
        "internal:remote_cache_hit_ratio",
        _ratio(tallies.remote_cache_hits, tallies.remote_cache_hits + tallies.remote_cache_misses),
    )
    for app, tally in tallies.applications.items():
        yield f"app:{app}:default_prediction_ratio", _ratio(tally.defaults.total(), tally.predictions)
    for model, of_model in tallies.models.items():
        yield f"model:{model}:cache_hit_ratio", _ratio(of_model.cache_hits, _lookups(of_model))


def _meters(tallies: Tallies, now: float) -> Iterator[Entry]:
    yield "internal:aggregate_model_throughput", _rates(tallies.throughput, now)
    for app, tally in tallies.applications.items():
        yield f"app:{app}:prediction_throughput", _rates(tally.throughput, now)
    for model, of_model in tallies.models.items():
        yield f"model:{model}:prediction_throughput", _rates(of_model.throughput, now)


def _histograms(tallies: Tallies) -> Iterator[Entry]:
    yield "internal:rpc_request_queueing_delay", _micros(tallies.queue_delay_sample)
    for app, tally in tallies.applications.items():
        yield f"app:{app}:prediction_latency", _micros(tally.latency_sample)
    for model, of_model in tallies.models.items():
        yield f"model:{model}:prediction_latency", _micros(of_model.latency_sample)
        yield f"model:{model}:batch_size", {"unit": "queries", **_texts(of_model.size_sample.summary())}


def _listed(entries: Iterator[Entry]) -> list[dict[str, Any]]:
    return [{name: value} for name, value in sorted(entries)]


def _lookups(tally: ModelTally) -> int:
    return tally.cache_hits + tally.cache_misses


def _count(count: int) -> dict[str, str]:
    return {"count": str(count)}


def _ratio(part: int, whole: int) -> dict[str, str]:
    return {"ratio": str(part / whole if whole else 0.0)}


def _rates(meter: Meter, now: float) -> dict[str, str]:
    return {"unit": "events per second", **_texts(meter.rates(now))}


def _micros(sample: Reservoir) -> dict[str, str]:
    summary = sample.summary()
    in_micros = {name: number if name == "size" else number * MICROS_PER_S for name, number in summary.items()}
    return {"unit": "microseconds", **_texts(in_micros)}


def _texts(numbers: dict[str, float]) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items()}
