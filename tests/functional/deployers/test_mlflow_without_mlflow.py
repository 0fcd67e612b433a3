"""A model directory in a format without code is deployed and served where MLflow is not installed."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from clipper_sls import ClipperConnection

MLMODEL = """
flavors:
  onnx: {{data: model.onnx, onnx_version: 1.20.0, providers: [CPUExecutionProvider]}}
  python_function: {{data: model.onnx, loader_module: mlflow.onnx, python_version: {python}}}
mlflow_version: 2.22.0
signature:
  inputs: '[{{"type": "float", "name": "a", "required": true}}, {{"type": "long", "name": "b", "required": true}}]'
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """As MLflow writes it: of two columns, each an input, to their sum."""
    import onnx
    from onnx import TensorProto, helper

    inputs = [
        helper.make_tensor_value_info("a", TensorProto.FLOAT, ["n"]),
        helper.make_tensor_value_info("b", TensorProto.INT64, ["n"]),
    ]
    nodes = [
        helper.make_node("Cast", ["b"], ["b_float"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["a", "b_float"], ["sum"]),
    ]
    graph = helper.make_graph(nodes, "sum", inputs, [helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["n"])])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), tmp_path / "model.onnx"
    )
    (tmp_path / "MLmodel").write_text(MLMODEL.format(python=".".join(map(str, sys.version_info[:3]))))
    (tmp_path / "requirements.txt").write_text(f"mlflow==2.22.0\nonnxruntime=={version('onnxruntime')}\n")
    return tmp_path


def test_the_command_deploys_a_directory(deployed: Any, connection: ClipperConnection, directory: Path) -> None:
    command = [sys.executable, "-m", "clipper_sls", "deploy", "--mlflow", str(directory), "--name", "sum", "-v", "1"]
    options = ["-i", "doubles", "--state-dir", str(deployed.engine.state_dir), "--json"]
    ended = subprocess.run(
        [*command, *options],
        capture_output=True,
        timeout=60,
        env={**os.environ, "NO_PROXY": "*"},  # noqa: TID251 - the command's own environment
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["changed"]

    connection.register_application("sum", "doubles", "none", 20_000_000)
    connection.link_model_to_app("sum", "sum")
    assert deployed.answers("sum", [[0.5, 2], [1.0, -3]]) == [{"sum": 2.5}, {"sum": -2.0}]
    requirements = deployed.manifest(connection, "sum").requirements
    assert [text.partition("==")[0] for text in requirements] == ["onnxruntime"]
