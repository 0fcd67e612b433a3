"""The same events as Prometheus' text and as Clipper's JSON."""

import random
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from clipper_sls.adapters.local.metrics import LocalMetrics
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.query import DefaultReason
from clipper_sls.domain.records import Scaling
from clipper_sls.testing import FakeModelHost, ManualClock

APP = AppName("app")
MODEL = ModelId.of("m", 1)


@pytest.fixture
def metrics() -> LocalMetrics:
    clock = ManualClock()
    metrics = LocalMetrics(clock=clock, chance=random.Random(0))
    metrics.answered(APP, 0.010, 3, (DefaultReason.TIMED_OUT,))
    metrics.answered(APP, 0.030, 1, (DefaultReason.OVERLOADED,))
    metrics.batch(MODEL, 3, 0.004, 0.001)
    metrics.cache_lookup(MODEL, 1, 3)
    metrics.coalesced(MODEL, 2)
    metrics.cache_evicted(5)
    metrics.cache_failed()
    metrics.replica_crashed(MODEL)
    metrics.hedged(MODEL)
    metrics.hedged(MODEL)
    metrics.hedge_won(MODEL, by_copy=True)
    metrics.hedge_won(MODEL, by_copy=False)
    metrics.throttled(MODEL)
    metrics.answered_by_other(MODEL, "7", 3)
    return metrics


def _samples(metrics: LocalMetrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(metrics.prometheus_text().decode())
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def test_prometheus_text(metrics: LocalMetrics) -> None:
    samples = _samples(metrics)
    app, model = ("application", "app"), (("model", "m"), ("version", "1"))
    expected = {
        ("clipper_predictions_total", frozenset({app})): 4,
        ("clipper_defaults_total", frozenset({app, ("reason", "timed_out")})): 1,
        ("clipper_defaults_total", frozenset({app, ("reason", "overloaded")})): 1,
        ("clipper_query_latency_seconds_count", frozenset({app})): 2,
        ("clipper_query_latency_seconds_sum", frozenset({app})): pytest.approx(0.040),
        ("clipper_batch_rows_sum", frozenset(model)): 3,
        ("clipper_batch_latency_seconds_sum", frozenset(model)): pytest.approx(0.004),
        ("clipper_queue_delay_seconds_sum", frozenset(model)): pytest.approx(0.001),
        ("clipper_cache_lookups_total", frozenset({*model, ("result", "hit")})): 1,
        ("clipper_cache_lookups_total", frozenset({*model, ("result", "miss")})): 3,
        ("clipper_replica_crashes_total", frozenset(model)): 1,
        ("clipper_coalesced_rows_total", frozenset(model)): 2,
        ("clipper_hedged_batches_total", frozenset(model)): 2,
        ("clipper_hedges_won_total", frozenset(model)): 1,
        ("clipper_throttled_batches_total", frozenset(model)): 1,
        ("clipper_rows_of_other_versions_total", frozenset({*model, ("number", "7")})): 3,
        ("clipper_cache_evictions_total", frozenset()): 5,
        ("clipper_cache_failures_total", frozenset()): 1,
    }
    assert {key: samples[key] for key in expected} == expected


def test_replicas_and_queues_as_they_are_when_somebody_looks(metrics: LocalMetrics) -> None:
    host = FakeModelHost(hosted={MODEL: Scaling.fixed(2)})
    metrics.show(host.pools)
    labels = frozenset((("model", "m"), ("version", "1")))
    ready = labels | {("state", "ready")}
    assert _samples(metrics)["clipper_replicas", ready] == 2
    host.hosted[MODEL] = Scaling.fixed(3)
    assert _samples(metrics)["clipper_replicas", ready] == 3
    assert _samples(metrics)["clipper_queued_rows", labels] == 0


def _by_name(entries: list[dict[str, Any]]) -> dict[str, Any]:
    assert all(len(entry) == 1 for entry in entries)
    return {name: value for entry in entries for name, value in entry.items()}


def test_clippers_json(metrics: LocalMetrics) -> None:
    shown = metrics.clipper_json()
    counters, ratios = _by_name(shown["counters"]), _by_name(shown["ratio_counters"])
    histograms = _by_name(shown["histograms"])
    assert counters["app:app:num_predictions"] == {"count": "4"}
    assert counters["model:m:1:num_predictions"] == {"count": "3"}
    assert ratios["app:app:default_prediction_ratio"] == {"ratio": "0.5"}
    assert ratios["model:m:1:cache_hit_ratio"] == {"ratio": "0.25"}
    assert histograms["app:app:prediction_latency"]["unit"] == "microseconds"
    assert float(histograms["app:app:prediction_latency"]["mean"]) == pytest.approx(20_000)
    assert float(histograms["model:m:1:batch_size"]["max"]) == 3
    assert _by_name(shown["meters"])["app:app:prediction_throughput"]["unit"] == "events per second"
