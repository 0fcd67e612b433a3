"""The output folder: results.json, and the charts."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.plan import Plan
from bench.points import Point, as_json, summaries
from bench.report.charts import charts


def results(plan: Plan, points: Sequence[Point], skipped: Sequence[str], failures: Sequence[str]) -> dict[str, Any]:
    """Everything that was measured and on what, as JSON has it."""
    machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
    return {
        "machine": machine,
        "plan": asdict(plan),
        "skipped": list(skipped),
        "failures": list(failures),
        **as_json(points),
    }


def write(output: Path, found: dict[str, Any], points: Sequence[Point]) -> list[Path]:
    """Replaces what an earlier run left under the same names; returns what was written."""
    output.mkdir(parents=True, exist_ok=True)
    texts = {"results.json": json.dumps(found, indent=1) + "\n"}
    texts |= {f"{name}.svg": svg for name, svg in charts(summaries(points))}
    for name, text in texts.items():
        (output / name).write_text(text)
    return [output / name for name in texts]
