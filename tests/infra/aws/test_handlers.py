"""Handlers are entry points, and nothing more."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_HANDLER_LINES = 30


def test_every_handler_exists(root: Path, template: Mapping[str, Any]) -> None:
    for function in _functions(template):
        *module, attribute = function["Handler"].split(".")
        tree = ast.parse((root.joinpath(*module).with_suffix(".py")).read_text())
        defined = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets}
        assert attribute in defined


def test_handlers_are_short_and_only_wire(root: Path) -> None:
    paths = sorted((root / "handlers").glob("*.py"))
    assert paths
    for path in paths:
        assert len(path.read_text().splitlines()) <= MAX_HANDLER_LINES, path
        ours = [name for name in _imported(path) if name.split(".")[0] == "clipper_sls"]
        assert all(name.startswith("clipper_sls.bootstrap.aws.") for name in ours), path


def _imported(path: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return plain + [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]


def _functions(template: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::Lambda::Function"]
