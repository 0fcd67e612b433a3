"""`make bench`, very short: everything is measured, and every answer is the right one. How fast is not tested."""

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.contenders.baselines import LIMIT, PLAIN
from bench.points import OURS

SHORT = ["--rounds", "1", "--seconds", "0.3", "--clients", "1", "8", "--loads", "0.5", "--workloads", "no-op"]
EVERYBODY = {OURS, PLAIN.name, LIMIT.name}
CLOSED = {"rate_per_s", "p50_ms", "p99_ms"}
OPEN = {"offered_per_s", "goodput_per_s", "inside", "kept", "p50_ms", "p99_ms", "goodput_of_capacity"}
COSTS = {"server_cpu_us", "generator_cpu_us", "foreign_cores", "queries", "wrong", "failed", "unfinished", "defaults"}
BY_SECOND = {"offered_per_s", "goodput_per_s", "inside", "default"}

OURS_ONLY = ["--servers", OURS]
EXPECTED = {
    "one-at-a-time": (EVERYBODY, CLOSED | COSTS | {"start_s", "memory_mib"}),
    "closed-loop": (EVERYBODY, CLOSED | COSTS),
    "cache-hits": ({OURS, PLAIN.name}, CLOSED | COSTS),
    "open-loop": ({OURS}, OPEN | COSTS),
    "overload": ({OURS}, OPEN | COSTS),
    "model-overload": ({OURS}, OPEN | COSTS),
    "trace": ({OURS}, BY_SECOND),
    "batching": ({OURS, "learnt quantiles", "batch size 1"}, CLOSED | COSTS),
    "slow-replica": ({OURS, "without hedging", "all healthy"}, {"p50_ms", "p99_ms", "inside"} | COSTS),
}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("names", "options"),
    [
        (["one-at-a-time", "closed-loop", "cache-hits"], []),
        (["open-loop", "overload", "trace"], OURS_ONLY),
        (["batching", "slow-replica", "model-overload"], []),
    ],
    ids=["beside others", "open loops", "variants"],
)
def test_everything_is_measured_and_no_answer_is_wrong(
    names: list[str], options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([*SHORT, "--json", "--output", str(tmp_path / "results"), "--only", *names, *options])

    found = json.loads(capsys.readouterr().out)
    assert status == found["wrong_answers"] == 0
    assert {"machine", "plan", "medians", "rounds", "skipped", "wrong_answers"} <= set(found)
    for name in names:
        contenders, figures = EXPECTED[name]
        lines = [line for line in found["medians"] if line["measurement"] == name]
        assert {line["contender"] for line in lines} == contenders
        assert all(figures <= set(line["medians"]) for line in lines)
    queries = [line["medians"].get("queries", 1) for line in found["medians"]]
    assert min(queries) > 0
    assert json.loads((tmp_path / "results/results.json").read_text()) == found
