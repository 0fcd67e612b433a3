"""Lines as CloudWatch reads them."""

import json

import pytest

from clipper_sls.adapters.powertools.emf_metrics import EmfMetrics
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.query import DefaultReason

DIGITS, SHOP = AppName("digits"), AppName("shop")
MODEL, OTHER = ModelId.of("sum", 1), ModelId.of("sum", 2)


@pytest.fixture
def metrics() -> EmfMetrics:
    return EmfMetrics("stack")


def _lines(metrics: EmfMetrics, capsys: pytest.CaptureFixture[str]) -> list[dict]:
    metrics.flush("request-1")
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_prediction_is_one_line(metrics: EmfMetrics, capsys: pytest.CaptureFixture[str]) -> None:
    metrics.cache_lookup(MODEL, hits=1, misses=2)
    metrics.answered(DIGITS, 0.25, 3, [DefaultReason.TIMED_OUT])
    (line,) = _lines(metrics, capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "clipper-sls"
    assert directive["Dimensions"] == [["Stack", "Application"], ["Stack", "Model"]]
    assert (line["Stack"], line["Application"], line["Model"]) == ("stack", "digits", "sum:1")
    assert (line["Predictions"], line["Defaults"], line["Defaults.timed_out"]) == ([3], [1], [1])
    assert (line["CacheHits"], line["CacheMisses"], line["Latency"]) == ([1], [2], [250])
    assert line["request_id"] == "request-1"


def test_every_metric_of_a_line_is_declared_with_its_unit(
    metrics: EmfMetrics, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics.answered(DIGITS, 0.25, 1, [])
    (line,) = _lines(metrics, capsys)
    declared = {one["Name"]: one["Unit"] for one in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert declared == {"Predictions": "Count", "Defaults": "Count", "Latency": "Milliseconds"}


def test_several_of_a_kind_have_lines_of_their_own(metrics: EmfMetrics, capsys: pytest.CaptureFixture[str]) -> None:
    metrics.answered(DIGITS, 0.1, 1, [])
    metrics.answered(SHOP, 0.1, 2, [])
    metrics.cache_lookup(MODEL, 0, 1)
    metrics.cache_lookup(OTHER, 0, 1)
    metrics.cache_failed()
    lines = _lines(metrics, capsys)
    named = [(line.get("Application"), line.get("Model")) for line in lines]
    assert named == [("digits", None), ("shop", None), (None, "sum:1"), (None, "sum:2"), (None, None)]
    assert lines[1]["Predictions"] == [2]


def test_what_was_written_is_not_written_again(metrics: EmfMetrics, capsys: pytest.CaptureFixture[str]) -> None:
    metrics.answered(DIGITS, 0.1, 1, [])
    assert len(_lines(metrics, capsys)) == 1
    assert _lines(metrics, capsys) == []


def test_an_invocation_without_figures_writes_nothing(metrics: EmfMetrics, capsys: pytest.CaptureFixture[str]) -> None:
    assert _lines(metrics, capsys) == []


def test_counts_add_up_and_latencies_are_told_one_by_one_as_many_as_fit(
    metrics: EmfMetrics, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(150):
        metrics.answered(DIGITS, 0.1, 1, [])
    (line,) = _lines(metrics, capsys)
    assert line["Predictions"] == [150]
    assert len(line["Latency"]) == 99
