"""Model directories that MLflow wrote are served as MLflow serves them."""

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from clipper_sls import ClipperConnection

SLO_MICROS = 20_000_000
COLUMNS = ("age", "income")

pytestmark = [pytest.mark.usefixtures("mlflow_is_installed"), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def mlflow(mlflow_is_installed: None) -> Any:
    with warnings.catch_warnings(action="ignore"):
        import mlflow

        return mlflow


@pytest.fixture(scope="module")
def people(mlflow: Any) -> Any:
    import pandas as pd

    ages = np.arange(20, 60, dtype="int64")
    return pd.DataFrame({"age": ages, "income": ages * 10.0 + (ages % 7)})


@pytest.fixture(scope="module")
def classifier(people: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000).fit(people, people["age"] > 40)


def packages(*names: str) -> list[str]:
    """Those that are installed here, so that the engine's own environment will do."""
    return [f"{name}=={version(name)}" for name in names]


def signature(inputs: Any, outputs: Any = None) -> Any:
    from mlflow.models import infer_signature

    return infer_signature(inputs, outputs)


def served_as(deployed: Any, connection: ClipperConnection, name: str) -> str:
    return (deployed.bundle(connection, name) / "weights" / "served-as.json").read_text()


def test_a_pickled_model_is_loaded_by_mlflow_and_one_bad_row_spoils_no_other(
    deployed: Any, connection: ClipperConnection, mlflow: Any, people: Any, classifier: Any, tmp_path: Path
) -> None:
    from clipper_sls.deployers.mlflow import create_endpoint

    mlflow.sklearn.save_model(
        classifier,
        tmp_path / "model",
        serialization_format="cloudpickle",
        signature=signature(people, classifier.predict(people)),
        pip_requirements=packages("mlflow-skinny", "pandas", "scikit-learn"),
    )
    create_endpoint(connection, "people", "json", tmp_path / "model", slo_micros=SLO_MICROS)

    manifest = deployed.manifest(connection, "people")
    assert manifest.entry == "weights:mlflow"
    assert {"weights/model/MLmodel", "weights/model/model.pkl", "weights/served-as.json"} <= set(manifest.files)
    assert '"loader": "pyfunc"' in served_as(deployed, connection, "people")
    expected = [bool(value) for value in classifier.predict(people)]
    assert deployed.answers("people", people.to_dict(orient="records")) == expected
    assert deployed.answers("people", people.to_numpy().tolist()) == expected

    url = f"{deployed.engine.query}/people/predict"
    rows = [{"age": 30, "income": 300.0}, {"age": "old", "income": 1.0}, {"income": 1.0}]
    answer = httpx2.post(url, json={"input_batch": rows}, timeout=60, trust_env=False, verify=False).json()
    first, *others = answer["batch_predictions"]
    assert (first["default"], first["output"]) == (False, False)
    assert [row["default_reason"] for row in others] == ["model_failed"] * 2


def test_a_python_model_gets_a_table_and_its_table_becomes_objects(
    deployed: Any, connection: ClipperConnection, mlflow: Any, people: Any, tmp_path: Path
) -> None:
    from clipper_sls.deployers.mlflow import create_endpoint

    class Doubled(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
        def predict(self, context, model_input, params=None):
            return (model_input * 2).assign(kind=type(model_input).__name__)

    mlflow.pyfunc.save_model(
        tmp_path / "model",
        python_model=Doubled(),
        signature=signature(people),
        pip_requirements=packages("mlflow-skinny", "pandas", "cloudpickle"),
    )
    create_endpoint(connection, "doubled", "doubles", tmp_path / "model", slo_micros=SLO_MICROS)
    assert deployed.answers("doubled", [[30.0, 1.5]]) == [{"age": 60, "income": 3.0, "kind": "DataFrame"}]


@pytest.mark.slow
def test_a_skops_file_is_read_without_mlflow(
    deployed: Any, connection: ClipperConnection, mlflow: Any, people: Any, classifier: Any, tmp_path: Path
) -> None:
    from clipper_sls.deployers.mlflow import create_endpoint

    mlflow.sklearn.save_model(
        classifier,
        tmp_path / "model",
        serialization_format="skops",
        signature=signature(people),
        pyfunc_predict_fn="predict_proba",
        pip_requirements=["mlflow==3.17.2", *packages("pandas", "scikit-learn", "skops")],
    )
    create_endpoint(connection, "skops", "doubles", tmp_path / "model", slo_micros=SLO_MICROS)

    assert {text.partition("==")[0] for text in deployed.manifest(connection, "skops").requirements} == {
        *("pandas", "scikit-learn", "skops")
    }
    expected = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(people)
    assert np.allclose(deployed.answers("skops", people.to_numpy().tolist()), expected)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["booster", "classifier"])
def test_xgboost_reads_its_own_file_without_mlflow(
    deployed: Any, connection: ClipperConnection, mlflow: Any, people: Any, tmp_path: Path, kind: str
) -> None:
    import xgboost

    from clipper_sls.deployers.mlflow import create_endpoint

    labels = (people["age"] > 40).astype(int)
    if kind == "booster":
        wanted = {"objective": "binary:logistic", "nthread": 1}
        model: Any = xgboost.train(wanted, xgboost.DMatrix(people, labels), num_boost_round=4)
    else:
        model = xgboost.XGBClassifier(n_estimators=4, n_jobs=1).fit(people, labels)
    mlflow.xgboost.save_model(
        model,
        tmp_path / "model",
        signature=signature(people),
        pip_requirements=["mlflow==3.17.2", *packages("xgboost-cpu", "scikit-learn")],
    )
    create_endpoint(connection, f"xgboost-{kind}", "doubles", tmp_path / "model", slo_micros=SLO_MICROS)

    assert '"loader": "xgboost"' in served_as(deployed, connection, f"xgboost-{kind}")
    expected = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(people)
    assert deployed.answers(f"xgboost-{kind}", people.to_numpy().tolist()) == expected.tolist()


@pytest.mark.slow
def test_onnx_is_run_without_mlflow_and_answers_by_the_names_of_its_outputs(
    deployed: Any, connection: ClipperConnection, mlflow: Any, tmp_path: Path
) -> None:
    import onnx
    from onnx import TensorProto, helper

    from clipper_sls.deployers.mlflow import create_endpoint

    def tensor(name: str, shape: list[Any]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    weight = helper.make_tensor("weight", TensorProto.FLOAT, [2, 1], [1.0, 10.0])
    nodes = [helper.make_node("MatMul", ["x", "weight"], ["sum"]), helper.make_node("Neg", ["x"], ["negative"])]
    outputs = [tensor("sum", ["n", 1]), tensor("negative", ["n", 2])]
    graph = helper.make_graph(nodes, "sum", [tensor("x", ["n", 2])], outputs, [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    mlflow.onnx.save_model(
        model,
        tmp_path / "model",
        signature=signature(np.zeros((3, 2), "float32")),
        pip_requirements=["mlflow==3.17.2", *packages("onnx", "onnxruntime")],
    )
    create_endpoint(connection, "onnx-mlflow", "doubles", tmp_path / "model", slo_micros=SLO_MICROS)

    assert '"loader": "onnx"' in served_as(deployed, connection, "onnx-mlflow")
    rows = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
    expected = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(rows)
    answers = deployed.answers("onnx-mlflow", rows.tolist())
    assert [row["sum"] for row in answers] == expected["sum"].tolist() == [[21.0], [43.0]]
    assert [row["negative"] for row in answers] == expected["negative"].tolist()


def test_an_input_type_that_does_not_fit_the_signature_is_refused(
    connection: ClipperConnection, mlflow: Any, tmp_path: Path
) -> None:
    import pandas as pd

    from clipper_sls.deployers.mlflow import deploy_mlflow_model
    from clipper_sls.errors import InvalidSettingError

    class Zero(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
        def predict(self, context, model_input, params=None):
            return [0] * len(model_input)

    texts = pd.DataFrame({"title": ["a"], "text": ["b"]})
    mlflow.pyfunc.save_model(
        tmp_path / "model", python_model=Zero(), signature=signature(texts), pip_requirements=packages("mlflow-skinny")
    )
    with pytest.raises(InvalidSettingError, match=r"the columns title \(string\), text \(string\)\. Deploy .*: json"):
        deploy_mlflow_model(connection, "refused", 1, "doubles", tmp_path / "model")
    assert connection.get_model_info("refused", 1) is None
