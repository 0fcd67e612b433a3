"""Which charts there are: a file for each, a panel for each workload. Pure."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.points import Summary
from bench.report.svg import Panel, Series, chart
from bench.workloads import WORKLOADS


@dataclass(frozen=True, slots=True)
class Chart:
    """`short` is what stands below a setting's place on the axis."""

    name: str
    measurements: tuple[str, ...]
    figure: str
    unit: str
    across: str
    short: Callable[[str], str]
    scale: float = 1.0
    has_lines: bool = False


def _count(setting: str) -> str:
    return setting.split(maxsplit=1)[0]


def _load(setting: str) -> str:
    return setting.replace(" of capacity", "")


def _second(setting: str) -> str:
    return setting.removeprefix("second ").split(",")[0]


CHARTS = (
    Chart("closed-loop", ("closed-loop",), "rate_per_s", "right answers per second", "clients", _count),
    Chart("server-cpu", ("closed-loop",), "server_cpu_us", "server CPU per answer, µs", "clients", _count),
    Chart(
        "open-loop",
        ("open-loop", "overload"),
        "inside",
        "model's answers inside the objective, %",
        "offered, of each server's own capacity; objective",
        _load,
        scale=100,
    ),
    Chart(
        "trace",
        ("trace",),
        "inside",
        "model's answers inside the objective, %",
        "second; the burst is in the third and fourth",
        _second,
        scale=100,
        has_lines=True,
    ),
)


def charts(summaries: Sequence[Summary]) -> Iterator[tuple[str, str]]:
    """Names and SVG of those charts that there is something to draw of."""
    for kind in CHARTS:
        lines = [summary for summary in summaries if summary.measurement in kind.measurements]
        panels = [_panel(kind, workload, of_one) for workload in WORKLOADS if (of_one := _of(workload, lines))]
        if panels:
            yield kind.name, chart(panels)


def _of(workload: str, lines: Sequence[Summary]) -> list[Summary]:
    return [line for line in lines if line.workload == workload]


def _panel(kind: Chart, workload: str, lines: Sequence[Summary]) -> Panel:
    settings = list(dict.fromkeys(line.setting for line in lines))
    values = {(line.contender, line.setting): line.medians.get(kind.figure, math.nan) * kind.scale for line in lines}
    series = [
        Series(contender, [values.get((contender, setting), math.nan) for setting in settings])
        for contender in dict.fromkeys(line.contender for line in lines)
    ]
    categories = [kind.short(setting) for setting in settings]
    return Panel(WORKLOADS[workload].title, categories, series, kind.unit, kind.across, kind.has_lines)
