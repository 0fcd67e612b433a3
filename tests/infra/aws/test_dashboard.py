"""The dashboard's searches are ones that CloudWatch understands, for metrics that the functions write."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SEARCH = re.compile(r"SEARCH\('\{(?P<schema>[^}]+)\} (?P<terms>.*)', '(?:Sum|p\d+)'\)")
PLAIN = re.compile(r"(?:AWS/)?[A-Za-z0-9]+")
"""A namespace or dimension that needs no quotes (CloudWatch's "search expression syntax")."""


@pytest.fixture
def searches(templates: Mapping[str, Any]) -> list[re.Match[str]]:
    body = templates["monitoring.yaml"]["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    metrics = [metric for widget in json.loads(body)["widgets"] for metric in widget["properties"]["metrics"]]
    options = [one for metric in metrics for one in metric if isinstance(one, dict)]
    found = [SEARCH.fullmatch(one["expression"]) for one in options if "expression" in one]
    understood = [one for one in found if one is not None]
    assert len(understood) == len(found) > 5
    return understood


def test_names_of_more_than_letters_and_digits_are_quoted(searches: list[re.Match[str]]) -> None:
    names = {name for one in searches for name in one["schema"].split(",")}
    assert '"clipper-sls"' in names
    assert [name for name in names if not name.startswith('"') and not PLAIN.fullmatch(name)] == []


def test_what_is_searched_for_is_named_in_full_and_written_by_the_functions(
    root: Path, searches: list[re.Match[str]]
) -> None:
    """Quotes ask for the whole value: the beginning of a name in them finds nothing."""
    written = (root / "clipper_sls/adapters/powertools/emf_metrics.py").read_text()
    for one in searches:
        terms = dict(re.findall(r'(\w+)="([^"]+)"', one["terms"]))
        assert terms.pop("Stack") == "${CoreStack}"
        assert re.search(rf'\b{terms.pop("MetricName")}(=|")', written)
        assert terms == {}
