"""The JSON that scripts written for Clipper's query frontend read."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipper_sls.adapters.local.metrics import LocalMetrics
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.query import DefaultReason
from clipper_sls.testing import ManualClock

APP = AppName("app")
MODEL = ModelId.of("m", 1)
OTHER = ModelId.of("m", 2)
SAMPLE_KEYS = {"unit", "size", "min", "max", "mean", "std_dev", "p50", "p95", "p99"}
RATE_KEYS = {"unit", "rate", "rate_1min", "rate_5min", "rate_15min"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def metrics(clock: ManualClock) -> LocalMetrics:
    return LocalMetrics(clock=clock, chance=random.Random(0))


def _shown(metrics: LocalMetrics, kind: str) -> dict[str, Any]:
    return {name: value for entry in metrics.clipper_json()[kind] for name, value in entry.items()}


def test_before_the_first_query_the_engines_own_metrics_are_zero(metrics: LocalMetrics) -> None:
    assert _shown(metrics, "counters") == {
        "internal:aggregate_num_predictions": {"count": "0"},
        "internal:prediction_cache_lookups": {"count": "0"},
        "internal:prediction_cache_failures": {"count": "0"},
        "internal:remote_cache_lookups": {"count": "0"},
        "internal:remote_cache_dropped": {"count": "0"},
    }
    assert _shown(metrics, "ratio_counters") == {
        "internal:prediction_cache_hit_ratio": {"ratio": "0.0"},
        "internal:remote_cache_hit_ratio": {"ratio": "0.0"},
    }
    assert float(_shown(metrics, "meters")["internal:aggregate_model_throughput"]["rate"]) == 0.0
    assert _shown(metrics, "histograms")["internal:rpc_request_queueing_delay"]["size"] == "0"


def test_each_application_and_each_version_has_its_own(metrics: LocalMetrics) -> None:
    metrics.answered(APP, 0.010, 1, ())
    metrics.answered(AppName("other"), 0.020, 2, ())
    metrics.batch(MODEL, 1, 0.001, 0.0)
    metrics.batch(OTHER, 2, 0.002, 0.0)
    counters = _shown(metrics, "counters")
    assert counters["app:app:num_predictions"] == {"count": "1"}
    assert counters["app:other:num_predictions"] == {"count": "2"}
    assert counters["model:m:1:num_predictions"] == {"count": "1"}
    assert counters["model:m:2:num_predictions"] == {"count": "2"}
    assert counters["internal:aggregate_num_predictions"] == {"count": "3"}


def test_every_metric_has_clippers_name_fields_and_unit(metrics: LocalMetrics) -> None:
    metrics.answered(APP, 0.010, 1, ())
    metrics.batch(MODEL, 1, 0.001, 0.0)
    histograms, meters = _shown(metrics, "histograms"), _shown(metrics, "meters")
    assert {name: histogram["unit"] for name, histogram in histograms.items()} == {
        "internal:rpc_request_queueing_delay": "microseconds",
        "app:app:prediction_latency": "microseconds",
        "model:m:1:prediction_latency": "microseconds",
        "model:m:1:batch_size": "queries",
    }
    assert all(histogram.keys() == SAMPLE_KEYS for histogram in histograms.values())
    assert meters.keys() == {
        "internal:aggregate_model_throughput",
        "app:app:prediction_throughput",
        "model:m:1:prediction_throughput",
    }
    assert all(meter.keys() == RATE_KEYS for meter in meters.values())


def test_times_are_in_microseconds_and_sizes_are_not(metrics: LocalMetrics) -> None:
    for size, latency_s in ((2, 0.002), (4, 0.004)):
        metrics.batch(MODEL, size, latency_s, queue_delay_s=0.5)
    histograms = _shown(metrics, "histograms")
    assert float(histograms["model:m:1:prediction_latency"]["mean"]) == pytest.approx(3_000)
    assert float(histograms["model:m:1:prediction_latency"]["std_dev"]) == pytest.approx(1_000)
    assert histograms["model:m:1:prediction_latency"]["size"] == "2"
    assert float(histograms["model:m:1:batch_size"]["mean"]) == 3
    assert float(histograms["internal:rpc_request_queueing_delay"]["p99"]) == pytest.approx(500_000)


async def test_throughput_counts_rows_by_the_clock(metrics: LocalMetrics, clock: ManualClock) -> None:
    metrics.batch(MODEL, 30, 0.001, 0.0)
    metrics.answered(APP, 0.001, 10, ())
    await clock.advance(10.0)
    meters = _shown(metrics, "meters")
    assert float(meters["internal:aggregate_model_throughput"]["rate"]) == pytest.approx(3.0)
    assert float(meters["app:app:prediction_throughput"]["rate"]) == pytest.approx(1.0)


events = st.lists(
    st.one_of(
        st.tuples(st.just("answered"), st.lists(st.none() | st.sampled_from(DefaultReason), min_size=1, max_size=4)),
        st.tuples(st.just("lookup"), st.tuples(st.integers(0, 5), st.integers(0, 5))),
    ),
    max_size=20,
)


@given(events)
@settings(deadline=None)
def test_ratios_are_those_of_the_counts(happened: list[tuple[str, Any]]) -> None:
    metrics = LocalMetrics(clock=ManualClock(), chance=random.Random(0))
    for kind, what in happened:
        if kind == "answered":
            metrics.answered(APP, 0.001, len(what), tuple(reason for reason in what if reason))
        else:
            metrics.cache_lookup(MODEL, *what)
    reasons = [reason for kind, what in happened if kind == "answered" for reason in what]
    hits, misses = (sum(what[index] for kind, what in happened if kind == "lookup") for index in (0, 1))
    ratios = _shown(metrics, "ratio_counters")
    if reasons:
        share = sum(reason is not None for reason in reasons) / len(reasons)
        assert float(ratios["app:app:default_prediction_ratio"]["ratio"]) == share
    share = hits / (hits + misses) if hits + misses else 0.0
    assert float(ratios["internal:prediction_cache_hit_ratio"]["ratio"]) == share
    assert _shown(metrics, "counters")["internal:prediction_cache_lookups"] == {"count": str(hits + misses)}


def test_entries_are_sorted_by_name(metrics: LocalMetrics) -> None:
    for name in ("zebra", "ant", "mule"):
        metrics.answered(AppName(name), 0.001, 1, ())
    names = [next(iter(entry)) for entry in metrics.clipper_json()["counters"]]
    assert names == sorted(names)


def test_what_the_cache_elsewhere_did_is_shown(metrics: LocalMetrics) -> None:
    metrics.remote_cache_lookup(hits=1, misses=2)
    metrics.remote_cache_lookup(hits=0, misses=1)
    metrics.remote_cache_dropped(5)
    metrics.cache_failed()
    counters = _shown(metrics, "counters")
    assert counters["internal:remote_cache_lookups"] == {"count": "4"}
    assert counters["internal:remote_cache_dropped"] == {"count": "5"}
    assert counters["internal:prediction_cache_failures"] == {"count": "1"}
    assert _shown(metrics, "ratio_counters")["internal:remote_cache_hit_ratio"] == {"ratio": "0.25"}
    text = metrics.prometheus_text().decode()
    assert 'clipper_remote_cache_lookups_total{result="hit"} 1.0' in text
    assert 'clipper_remote_cache_lookups_total{result="miss"} 3.0' in text
    assert "clipper_remote_cache_dropped_total 5.0" in text
