"""One table per measurement: medians over the rounds, and ours divided by the others'."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table

from bench.load.figures import Figures
from bench.plan import MEASUREMENTS
from bench.points import OURS, Summary

CAPTION = "Medians over the rounds. Ratios: clipper-sls divided by this server, in the same round."
DISTURBED_CORES = 0.3
"""More than that used by other processes, and the figures of a run say little."""


@dataclass(frozen=True, slots=True)
class Column:
    """`text` of a summary's medians."""

    heading: str
    text: Callable[[Figures], str]


def number(value: float | None) -> str:
    """Three digits or so; a dash for what there is not."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.1%}"


def reasons(figures: Figures) -> str:
    """Default answers by reason, as shares of all queries."""
    shares = {name.removeprefix("default_"): share for name, share in figures.items() if name.startswith("default_")}
    return ", ".join(f"{reason} {share:.1%}" for reason, share in shares.items() if share) or "-"


def _of(heading: str, figure: str, form: Callable[[float | None], str] = number) -> Column:
    return Column(heading, lambda figures: form(figures.get(figure)))


_LATENCIES = (_of("p50 ms", "p50_ms"), _of("p99 ms", "p99_ms"))
_ENDS = (
    Column("wrong, failed", lambda figures: f"{number(figures.get('wrong'))}, {number(figures.get('failed'))}"),
    Column("others' cores", lambda figures: _disturbance(figures)),
)
_CLOSED = (_of("answers a s", "rate_per_s"), *_LATENCIES, _of("CPU µs", "server_cpu_us"), *_ENDS)
_OPEN = (
    _of("offered a s", "offered_per_s"),
    _of("inside", "inside", percent),
    _of("any answer", "kept", percent),
    _of("goodput of capacity", "goodput_of_capacity", percent),
    *_LATENCIES,
    Column("defaults", reasons),
    *_ENDS,
)
_ONE = (_of("start s", "start_s"), _of("memory MiB", "memory_mib"), _of("deploy s", "deploy_s"), *_LATENCIES, *_ENDS)

COLUMNS = {
    "one-at-a-time": _ONE,
    "closed-loop": _CLOSED,
    "open-loop": _OPEN,
    "overload": _OPEN,
    "model-overload": _OPEN,
    "cache-hits": _CLOSED,
    "batching": _CLOSED,
    "slow-replica": (_of("offered a s", "offered_per_s"), *_LATENCIES, Column("defaults", reasons), *_ENDS),
}
RATIOS = {
    "one-at-a-time": ("start_s", "p50_ms", "p99_ms"),
    "closed-loop": ("rate_per_s", "p99_ms", "server_cpu_us"),
    "open-loop": ("inside", "p99_ms"),
    "overload": ("goodput_of_capacity", "goodput_per_s"),
    "model-overload": ("goodput_of_capacity", "goodput_per_s"),
    "cache-hits": ("rate_per_s", "p50_ms"),
    "batching": ("rate_per_s", "p99_ms"),
    "slow-replica": ("p50_ms", "p99_ms"),
}
SHORT = {
    "start_s": "start",
    "p50_ms": "p50",
    "p99_ms": "p99",
    "rate_per_s": "rate",
    "server_cpu_us": "CPU",
    "inside": "inside",
    "goodput_of_capacity": "of capacity",
    "goodput_per_s": "goodput",
}


def tables(summaries: Sequence[Summary]) -> Iterator[Table]:
    for measurement in MEASUREMENTS:
        lines = [summary for summary in summaries if summary.measurement == measurement]
        if lines:
            yield by_second(lines) if measurement == "trace" else by_setting(measurement, lines)


def by_setting(measurement: str, lines: Sequence[Summary]) -> Table:
    """A line for each contender in each setting, ours first."""
    columns, ratios = COLUMNS[measurement], RATIOS[measurement]
    table = _table(measurement, ["workload", "setting", "server"])
    for column in columns:
        table.add_column(column.heading, justify="right")
    for figure in ratios:
        table.add_column(f"{SHORT[figure]} ratio", justify="right")
    places = list(dict.fromkeys((line.workload, line.setting) for line in lines))
    for place in places:
        of_place = [line for line in lines if (line.workload, line.setting) == place]
        for index, line in enumerate(sorted(of_place, key=lambda one: one.contender != OURS)):
            names = [*place, line.contender] if index == 0 else ["", "", line.contender]
            shown = [number(line.ratios.get(figure)) if line.contender != OURS else "" for figure in ratios]
            texts = [column.text(line.medians) for column in columns]
            table.add_row(*names, *texts, *shown, end_section=index == len(of_place) - 1)
    return table


def by_second(lines: Sequence[Summary]) -> Table:
    """A line for each contender, a column for each second: what was inside the objective, and what was offered."""
    settings = list(dict.fromkeys(line.setting for line in lines))
    table = _table("trace", ["workload", "server"])
    for setting in settings:
        table.add_column(setting.replace(", ", "\n"), justify="right")
    for workload, contender in dict.fromkeys((line.workload, line.contender) for line in lines):
        found = {
            line.setting: line.medians for line in lines if (line.workload, line.contender) == (workload, contender)
        }
        cells = [
            f"{percent(found[setting].get('inside'))}\nof {number(found[setting].get('offered_per_s'))}"
            if setting in found
            else "-"
            for setting in settings
        ]
        table.add_row(workload, contender, *cells, end_section=True)
    return table


def _table(measurement: str, names: Sequence[str]) -> Table:
    table = Table(title=f"{measurement}: {MEASUREMENTS[measurement]}", caption=CAPTION, title_justify="left")
    for name in names:
        table.add_column(name)
    return table


def _disturbance(figures: Figures) -> str:
    cores = figures.get("foreign_cores", math.nan)
    return f"{number(cores)} (!)" if cores > DISTURBED_CORES else number(cores)
