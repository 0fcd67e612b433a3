import math
from xml.etree import ElementTree

import pytest

from bench.points import OURS, Point, summaries
from bench.report.charts import charts
from bench.report.svg import Panel, Series, ceiling, chart

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_chart_names_its_axes_units_and_series() -> None:
    panel = Panel(
        "A & B <fast>", ["1", "16"], [Series("ours", [1, 2]), Series("theirs", [2, 4])], "answers/s", "clients"
    )
    shown = texts(chart([panel]))
    assert {"A & B <fast>", "answers/s", "clients", "ours", "theirs", "1", "16", "4"} <= set(shown)


def test_bars_are_as_high_as_their_values() -> None:
    root = ElementTree.fromstring(chart([Panel("", ["a"], [Series("x", [1]), Series("y", [4])], "", "")]))
    low, high = (float(bar.get("height", "")) for bar in root.iter(f"{SVG}rect") if bar.find(f"{SVG}title") is not None)
    assert high == pytest.approx(4 * low, abs=0.2)


@pytest.mark.parametrize("has_lines", [True, False])
def test_what_was_not_measured_is_not_drawn(has_lines: bool) -> None:
    panel = Panel("", ["a", "b"], [Series("x", [math.nan, 3.0])], "", "", has_lines)
    root = ElementTree.fromstring(chart([panel]))
    bars = [bar for bar in root.iter(f"{SVG}rect") if bar.find(f"{SVG}title") is not None]
    assert len(bars) + len(list(root.iter(f"{SVG}circle"))) == 1


@pytest.mark.parametrize(("largest", "top"), [(0.0, 1), (0.9, 1), (1, 1), (3, 4), (99, 100), (101, 200), (2100, 2500)])
def test_an_axis_ends_with_a_round_number(largest: float, top: float) -> None:
    assert ceiling(largest) == pytest.approx(top)


def test_there_is_a_chart_of_what_was_measured_and_of_nothing_else() -> None:
    points = [
        Point("closed-loop", "no-op", f"{clients} clients", name, 1, {"rate_per_s": 100.0, "server_cpu_us": 9.0})
        for clients in (16, 64)
        for name in (OURS, "limit")
    ]
    found = dict(charts(summaries(points)))
    assert set(found) == {"closed-loop", "server-cpu"}
    assert {"16", "64", OURS, "limit"} <= set(texts(found["closed-loop"]))
