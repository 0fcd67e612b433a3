"""Figures of one run of the load generator. Pure."""

import math
from collections import Counter
from collections.abc import Sequence

from bench.load.answers import Verdict
from bench.load.job import Outcome

Figures = dict[str, float]
"""By name; a name ends with its unit, where it has one. Shares are of all queries, from 0 to 1."""

GRACE_MS = 10.0
"""What a server may need on top of the objective for an answer to count as kept: the way there and back."""


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all are not above, of values in order; not a number of none."""
    return ordered[max(math.ceil(len(ordered) * share) - 1, 0)] if ordered else math.nan


def counts(outcome: Outcome) -> Figures:
    """How many queries there were, and what became of them: of everything but right answers, how many."""
    of_kind = Counter(outcome.verdicts)
    return {
        "queries": len(outcome.verdicts),
        "wrong": of_kind[Verdict.WRONG],
        "failed": of_kind[Verdict.FAILED],
        "unfinished": of_kind[Verdict.UNFINISHED],
        "defaults": of_kind[Verdict.DEFAULT],
    }


def closed_loop(outcome: Outcome) -> Figures:
    """Right answers a second, while all clients were asking, and their latencies."""
    right = [
        (due_s, latency_s)
        for due_s, latency_s, verdict in zip(outcome.due_s, outcome.latency_s, outcome.verdicts, strict=True)
        if verdict == Verdict.RIGHT
    ]
    in_time = sum(due_s + latency_s <= outcome.seconds for due_s, latency_s in right)
    return {"rate_per_s": in_time / outcome.seconds, **_latencies([latency_s for _, latency_s in right])}


def open_loop(outcome: Outcome, objective_ms: float) -> Figures:
    """Latency counts from when a query was due, so a server that falls behind cannot hide it.

    `inside`: the model's own output came within the objective. `kept`: any answer, the default output included, came
    within the objective and 10 ms. `goodput_per_s` counts what is inside.
    """
    asked = len(outcome.verdicts)
    limit_s, kept_s = objective_ms / 1000, (objective_ms + GRACE_MS) / 1000
    answers = list(zip(outcome.latency_s, outcome.verdicts, strict=True))
    inside = sum(verdict == Verdict.RIGHT and latency_s <= limit_s for latency_s, verdict in answers)
    kept = sum(verdict in (Verdict.RIGHT, Verdict.DEFAULT) and latency_s <= kept_s for latency_s, verdict in answers)
    return {
        "offered_per_s": asked / outcome.seconds,
        "goodput_per_s": inside / outcome.seconds,
        "inside": inside / asked if asked else math.nan,
        "kept": kept / asked if asked else math.nan,
        **_latencies([latency_s for latency_s, verdict in answers if verdict == Verdict.RIGHT]),
        **{f"default_{reason}": count / asked for reason, count in sorted(outcome.reasons.items())},
        "sent_late_p99_ms": percentile(outcome.late_s, 0.99) * 1000,
    }


def by_second(outcome: Outcome, objective_ms: float) -> list[Figures]:
    """`open_loop` for the queries that were due in each second."""
    seconds: list[list[int]] = [[] for _ in range(math.ceil(outcome.seconds))]
    for index, due_s in enumerate(outcome.due_s):
        seconds[min(int(due_s), len(seconds) - 1)].append(index)
    return [_of_second(outcome, indices, objective_ms) for indices in seconds]


def _of_second(outcome: Outcome, indices: Sequence[int], objective_ms: float) -> Figures:
    latency_s, verdicts = [outcome.latency_s[i] for i in indices], [outcome.verdicts[i] for i in indices]
    part = Outcome(
        due_s=[],
        latency_s=latency_s,
        verdicts=verdicts,
        reasons={},
        seconds=1.0,
        generator_cpu_s=0.0,
        late_s=[],
    )
    figures = open_loop(part, objective_ms)
    defaults = verdicts.count(Verdict.DEFAULT) / len(verdicts) if verdicts else math.nan
    return {name: figures[name] for name in ("offered_per_s", "goodput_per_s", "inside", "p99_ms")} | {
        "default": defaults
    }


def _latencies(seconds: Sequence[float]) -> Figures:
    ordered = sorted(seconds)
    return {"p50_ms": percentile(ordered, 0.50) * 1000, "p99_ms": percentile(ordered, 0.99) * 1000}
