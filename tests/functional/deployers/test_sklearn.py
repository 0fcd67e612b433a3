"""A scikit-learn model is deployed apart from its function, and answers as it did where it was trained."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from clipper_sls import ClipperConnection
from clipper_sls.deployers.sklearn import create_endpoint, deploy_sklearn_model
from clipper_sls.errors import UnpicklableError, VersionExistsError

SLO_MICROS = 20_000_000


class Halved(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer of the user's own, which no replica can import."""

    def fit(self, rows: Any, labels: Any = None) -> "Halved":
        return self

    def transform(self, rows: Any) -> Any:
        return rows / 2


def predict(model: Any, inputs: Any) -> Any:
    return model.predict(inputs)


def test_a_classifier_answers_as_where_it_was_trained(
    deployed: Any, connection: ClipperConnection, digits: Any
) -> None:
    images, labels = digits
    model = SVC(gamma=0.001).fit(images[:1200], labels[:1200])

    create_endpoint(connection, "svc", "doubles", predict, model, slo_micros=SLO_MICROS)

    rows = images[1200:1300]
    assert deployed.answers("svc", rows.tolist()) == model.predict(rows).tolist()
    assert np.mean(deployed.answers("svc", rows.tolist()) == labels[1200:1300]) > 0.9


@pytest.mark.slow
def test_the_model_lies_beside_its_function_and_holds_no_pickle(
    deployed: Any, connection: ClipperConnection, digits: Any
) -> None:
    model = RandomForestClassifier(20, random_state=0).fit(*digits)

    create_endpoint(connection, "forest", "doubles", predict, model, slo_micros=SLO_MICROS)

    manifest = deployed.manifest(connection, "forest")
    assert manifest.entry == "weights:skops"
    assert set(manifest.files) == {"clipper.lock", "func.pkl", "weights/model.skops", "weights/trusted-types.json"}
    assert manifest.files["func.pkl"].size_bytes < 2_000 < manifest.files["weights/model.skops"].size_bytes
    assert {text.partition("==")[0] for text in manifest.requirements} == {"scikit-learn", "skops"}
    assert deployed.answers("forest", digits[0][:20].tolist()) == model.predict(digits[0][:20]).tolist()


@pytest.mark.slow
def test_a_better_version_takes_over_and_is_rolled_back(
    deployed: Any, connection: ClipperConnection, digits: Any
) -> None:
    images, labels = digits
    hasty = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(images[:20], labels[:20])
    better = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(images[:1200], labels[:1200])
    rows = images[1200:1300]

    create_endpoint(connection, "improved", "doubles", predict, hasty, slo_micros=SLO_MICROS)
    deploy_sklearn_model(connection, "improved", 2, "doubles", predict, better)
    assert deployed.answers("improved", rows.tolist()) == better.predict(rows).tolist()
    connection.rollback("improved")
    assert deployed.answers("improved", rows.tolist()) == hasty.predict(rows).tolist()


@pytest.mark.slow
def test_a_model_with_a_class_of_ones_own_is_pickled_and_answers(
    deployed: Any, connection: ClipperConnection, digits: Any, caplog: pytest.LogCaptureFixture
) -> None:
    images, labels = digits
    model = make_pipeline(Halved(), SVC(gamma=0.004)).fit(images[:1200], labels[:1200])

    with caplog.at_level("INFO"):
        create_endpoint(connection, "halved", "doubles", predict, model, slo_micros=SLO_MICROS)

    assert "parts are your own: " in caplog.text
    assert "Halved" in caplog.text
    assert deployed.manifest(connection, "halved").entry == "closure:func.pkl"
    rows = images[1200:1250]
    assert deployed.answers("halved", rows.tolist()) == model.predict(rows).tolist()


def test_an_equal_model_is_an_equal_version(connection: ClipperConnection, digits: Any) -> None:
    def deploy(images: Any) -> None:
        model = LogisticRegression(max_iter=50, tol=1).fit(images, digits[1])
        deploy_sklearn_model(connection, "equal", 1, "doubles", predict, model)

    deploy(digits[0])
    with pytest.raises(VersionExistsError):
        deploy(digits[0].copy())


def test_a_function_without_the_model_is_refused_before_anything_is_deployed(connection: ClipperConnection) -> None:
    with pytest.raises(UnpicklableError, match="must take 2 arguments, the model and the list of inputs"):
        deploy_sklearn_model(connection, "modelless", 1, "doubles", lambda inputs: inputs, SVC())  # type: ignore[arg-type, misc]
    assert connection.get_model_info("modelless", 1) is None


def test_the_deployer_loads_no_framework_before_it_is_called() -> None:
    code = "import sys, clipper_sls.deployers.sklearn; print('sklearn' in sys.modules or 'skops' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
