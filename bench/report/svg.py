"""Small charts as SVG: panels of grouped bars or of lines, with axes, units and a legend. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

WIDTH, HEIGHT = 760, 280
LEFT, RIGHT, TOP, BOTTOM = 70, 170, 40, 60
COLOURS = ("#0b6e99", "#d1793b", "#6a9a3a", "#8a5aa5", "#b8423f", "#5f6b73", "#c2a21d")
TICKS = 4


@dataclass(frozen=True, slots=True)
class Series:
    """A value for each category; not a number where there is none."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Panel:
    """`unit` says what the values are, `across` what the categories are."""

    title: str
    categories: Sequence[str]
    series: Sequence[Series]
    unit: str
    across: str
    has_lines: bool = False


def chart(panels: Sequence[Panel]) -> str:
    """The panels, one below the other."""
    height = HEIGHT * max(len(panels), 1)
    root = ElementTree.Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        width=str(WIDTH),
        height=str(height),
        attrib={"font-family": "sans-serif", "font-size": "12"},
    )
    ElementTree.SubElement(root, "rect", width="100%", height="100%", fill="white")
    for index, panel in enumerate(panels):
        group = ElementTree.SubElement(root, "g", transform=f"translate(0 {index * HEIGHT})")
        _draw(group, panel)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def ceiling(largest: float) -> float:
    """A round number not below `largest`, for the top of an axis."""
    if not largest > 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(largest))
    return next(step * unit for step in (1, 2, 2.5, 4, 5, 8, 10) if step * unit >= largest * (1 - 1e-9))


def _draw(group: ElementTree.Element, panel: Panel) -> None:
    values = [value for series in panel.series for value in series.values if math.isfinite(value)]
    top = ceiling(max(values, default=1.0))
    bottom = HEIGHT - BOTTOM

    def y_of(value: float) -> float:
        return bottom - value / top * (bottom - TOP)

    _text(group, LEFT, TOP - 18, panel.title, bold=True)
    _text(group, LEFT - 55, TOP - 4, panel.unit, size=11)
    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        _line(group, LEFT, y_of(value), WIDTH - RIGHT, y_of(value), "#999" if tick == 0 else "#e3e3e3")
        _text(group, LEFT - 6, y_of(value) + 4, f"{value:,.10g}", anchor="end", size=11)
    step = (WIDTH - LEFT - RIGHT) / max(len(panel.categories), 1)
    for index, category in enumerate(panel.categories):
        _text(group, LEFT + step * (index + 0.5), bottom + 16, category, anchor="middle", size=11)
    _text(group, (LEFT + WIDTH - RIGHT) / 2, bottom + 36, panel.across, anchor="middle", size=11)
    (_lines if panel.has_lines else _bars)(group, panel, step, y_of)
    for index, series in enumerate(panel.series):
        _rect(group, WIDTH - RIGHT + 14, TOP + 18 * index, 11, 11, _colour(index))
        _text(group, WIDTH - RIGHT + 31, TOP + 10 + 18 * index, series.name)


def _bars(group: ElementTree.Element, panel: Panel, step: float, y_of: Callable[[float], float]) -> None:
    width = step * 0.8 / max(len(panel.series), 1)
    for index, series in enumerate(panel.series):
        for place, value in enumerate(series.values):
            if math.isfinite(value):
                left = LEFT + step * (place + 0.1) + width * index
                bar = _rect(group, left, y_of(value), width * 0.95, y_of(0) - y_of(value), _colour(index))
                ElementTree.SubElement(bar, "title").text = f"{series.name}: {value:,.6g}"


def _lines(group: ElementTree.Element, panel: Panel, step: float, y_of: Callable[[float], float]) -> None:
    for index, series in enumerate(panel.series):
        known = [(place, value) for place, value in enumerate(series.values) if math.isfinite(value)]
        points = [(LEFT + step * (place + 0.5), y_of(value)) for place, value in known]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        attributes = {"stroke-width": "2", "stroke": _colour(index), "fill": "none"}
        ElementTree.SubElement(group, "polyline", points=way, attrib=attributes)
        for x, y in points:
            ElementTree.SubElement(group, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3", fill=_colour(index))


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _rect(
    group: ElementTree.Element, x: float, y: float, width: float, height: float, fill: str
) -> ElementTree.Element:
    size = {"width": f"{width:.1f}", "height": f"{height:.1f}"}
    return ElementTree.SubElement(group, "rect", x=f"{x:.1f}", y=f"{y:.1f}", fill=fill, attrib=size)


def _line(group: ElementTree.Element, x1: float, y1: float, x2: float, y2: float, stroke: str) -> None:
    ends = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    ElementTree.SubElement(group, "line", stroke=stroke, attrib=ends)


def _text(
    group: ElementTree.Element,
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: int = 12,
    bold: bool = False,
) -> None:
    attributes = {"text-anchor": anchor, "font-size": str(size), "font-weight": "bold" if bold else "normal"}
    ElementTree.SubElement(group, "text", x=f"{x:.1f}", y=f"{y:.1f}", attrib=attributes).text = text
