"""What is read of a model directory that MLflow wrote: who serves it, with which packages and Python."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidBundleError, InvalidSettingError
from clipper_sls.packaging.mlflow_directory import read_mlflow_directory

COLUMNS = [{"name": "a", "type": "double"}, {"name": "b", "type": "long"}]
SKOPS = {"pickled_model": "model.skops", "serialization_format": "skops", "skops_trusted_types": ["a.B"]}
BOOSTER = {"data": "model.ubj", "model_class": "xgboost.core.Booster"}
PACKAGES = "mlflow==3.1.0\npandas==2.2.0\nscikit-learn==1.5.0\nskops==0.14\nxgboost-cpu==3.0.0\nonnxruntime==1.20.0\n"


def _directory(
    folder: Path, flavors: Any = None, signature: Any = COLUMNS, python: str = "3.12.4", **more: Any
) -> Path:
    mlmodel = {
        "flavors": {"python_function": {"loader_module": "mlflow.x", "python_version": python}, **(flavors or {})},
        "signature": None if signature is None else {"inputs": json.dumps(signature)},
        "mlflow_version": "3.1.0",
        **more,
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(mlmodel))
    (folder / "requirements.txt").write_text(PACKAGES)
    return folder


@pytest.mark.parametrize(
    ("flavors", "input_type", "loader"),
    [
        ({"onnx": {"data": "model.onnx"}}, InputType.DOUBLES, "onnx"),
        ({"onnx": {"data": "model.onnx", "onnx_session_options": {"a": 1}}}, InputType.DOUBLES, "pyfunc"),
        ({"onnx": {"data": "model.onnx"}}, InputType.JSON, "pyfunc"),
        ({"xgboost": BOOSTER}, InputType.FLOATS, "xgboost"),
        ({"xgboost": {**BOOSTER, "data": "model.xgb"}}, InputType.FLOATS, "pyfunc"),
        ({"sklearn": SKOPS}, InputType.DOUBLES, "skops"),
        ({"sklearn": {**SKOPS, "serialization_format": "cloudpickle"}}, InputType.DOUBLES, "pyfunc"),
        ({"pytorch": {"model_data": "data"}}, InputType.DOUBLES, "pyfunc"),
    ],
)
def test_formats_without_code_are_read_by_their_framework_where_numbers_are_asked(
    tmp_path: Path, flavors: Any, input_type: InputType, loader: str
) -> None:
    found = read_mlflow_directory(_directory(tmp_path, flavors), input_type)
    assert found.served_as["loader"] == loader
    assert ("mlflow==3.1.0" in found.requirements) == (loader == "pyfunc")
    assert found.python == "3.12"


def test_mlflow_serves_what_its_framework_could_not_for_want_of_a_package(tmp_path: Path) -> None:
    folder = _directory(tmp_path, {"sklearn": SKOPS})
    (folder / "requirements.txt").write_text("mlflow==3.1.0\nscikit-learn==1.5.0\n")
    assert read_mlflow_directory(folder, InputType.DOUBLES).served_as["loader"] == "pyfunc"


def test_mlflow_is_required_in_the_version_that_saved_the_model(tmp_path: Path) -> None:
    folder = _directory(tmp_path)
    (folder / "requirements.txt").write_text("# by hand\nnumpy>=1.26  # any\n\n")
    assert read_mlflow_directory(folder, InputType.JSON).requirements == ("mlflow==3.1.0", "numpy>=1.26")
    (folder / "requirements.txt").write_text("mlflow-skinny==3.0.0\n")
    assert read_mlflow_directory(folder, InputType.JSON).requirements == ("mlflow-skinny==3.0.0",)


def test_lines_that_are_no_requirements_are_worth_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = _directory(tmp_path)
    (folder / "requirements.txt").write_text("-c constraints.txt\nmlflow==3.1.0\n")
    with caplog.at_level(logging.WARNING):
        assert read_mlflow_directory(folder, InputType.JSON).requirements == ("mlflow==3.1.0",)
    assert "'-c constraints.txt'" in caplog.text


def test_what_a_python_too_old_saved_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidBundleError, match=r"was saved by Python 3\.9\.1, and replicas run Python 3\.11 or newer"
    ):
        read_mlflow_directory(_directory(tmp_path, python="3.9.1"), InputType.JSON)


def test_inputs_that_do_not_fit_are_refused_with_those_that_do(tmp_path: Path) -> None:
    folder = _directory(tmp_path, signature=[{"name": "a", "type": "long"}])
    with pytest.raises(InvalidSettingError, match=r"the columns a \(long\)\. Deploy it with one of: integers, json"):
        read_mlflow_directory(folder, InputType.DOUBLES)


@pytest.mark.parametrize("content", ["", "[", "flavors: {onnx: {}}", "flavors: 3", "\x00"])
def test_what_is_no_model_directory_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(InvalidBundleError, match="has no file MLmodel"):
        read_mlflow_directory(tmp_path, InputType.JSON)
    (tmp_path / "MLmodel").write_text(content)
    with pytest.raises(InvalidBundleError, match=r"MLmodel (is not readable|cannot be served)"):
        read_mlflow_directory(tmp_path, InputType.JSON)
