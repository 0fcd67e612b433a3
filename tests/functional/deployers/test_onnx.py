"""ONNX models are deployed as they are and run by ONNX Runtime."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression

from clipper_sls import ClipperConnection
from clipper_sls.deployers.onnx import create_endpoint, deploy_onnx_model
from clipper_sls.errors import ModelStartError, UnpicklableError

SLO_MICROS = 20_000_000


@pytest.fixture(scope="module")
def trained(digits: Any) -> LogisticRegression:
    images, labels = digits
    return LogisticRegression(max_iter=300).fit(images[:1200] / 16, labels[:1200])


@pytest.fixture(scope="module")
def model(trained: LogisticRegression) -> onnx.ModelProto:
    """The trained classifier, as a matrix product and the place of its largest entry."""
    weights = numpy_helper.from_array(trained.coef_.T.astype(np.float32), "weights")
    bias = numpy_helper.from_array(trained.intercept_.astype(np.float32), "bias")
    nodes = [
        helper.make_node("Gemm", ["images", "weights", "bias"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["digits"], axis=1, keepdims=0),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 64])
    digits = helper.make_tensor_value_info("digits", TensorProto.INT64, ["batch"])
    graph = helper.make_graph(nodes, "digits", [images], [digits], [weights, bias])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def predict(session: Any, inputs: Any) -> Any:
    (digits,) = session.run(None, {"images": (inputs / 16).astype("float32")})
    return digits


def test_a_model_answers_as_where_it_was_trained(
    deployed: Any, connection: ClipperConnection, digits: Any, trained: LogisticRegression, model: onnx.ModelProto
) -> None:
    create_endpoint(connection, "onnx", "doubles", predict, model, slo_micros=SLO_MICROS)

    manifest = deployed.manifest(connection, "onnx")
    assert manifest.entry == "weights:onnx"
    assert set(manifest.files) == {"clipper.lock", "func.pkl", "weights/model.onnx"}
    assert [text.partition("==")[0] for text in manifest.requirements] == ["onnxruntime"]
    rows = digits[0][1200:1300]
    assert deployed.answers("onnx", rows.tolist()) == trained.predict(rows / 16).tolist()


def test_a_model_may_be_bytes_a_file_or_a_folder_with_external_data(
    deployed: Any, connection: ClipperConnection, digits: Any, model: onnx.ModelProto, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    onnx.save(model, tmp_path / "digits.onnx")
    external = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
    onnx.save(onnx.ModelProto.FromString(model.SerializeToString()), tmp_path / "outside" / "digits.onnx", **external)
    given = [model.SerializeToString(), tmp_path / "digits.onnx", str(tmp_path / "outside")]

    create_endpoint(connection, "given", "doubles", predict, model, version=0, slo_micros=SLO_MICROS)
    expected = deployed.answers("given", digits[0][:9].tolist())
    for version, onnx_model in enumerate(given, 1):
        deploy_onnx_model(connection, "given", version, "doubles", predict, onnx_model)
        assert deployed.answers("given", digits[0][:9].tolist()) == expected
    assert "weights/weights.bin" in deployed.manifest(connection, "given", len(given)).files


def test_what_is_no_model_is_refused(connection: ClipperConnection, tmp_path: Path) -> None:
    for onnx_model, reason in [(1, "'int' is no ONNX model"), (tmp_path, "is no file, and no folder with one .onnx")]:
        with pytest.raises(UnpicklableError, match=reason):
            deploy_onnx_model(connection, "none", 1, "doubles", predict, onnx_model)


def test_bytes_that_are_no_model_fail_to_deploy_and_onnx_runtime_says_why(connection: ClipperConnection) -> None:
    with pytest.raises(ModelStartError, match=r"could not be loaded: InvalidProtobuf: "):
        deploy_onnx_model(connection, "broken", 1, "doubles", predict, b"no model")
    assert connection.get_model_info("broken", 1) is None
