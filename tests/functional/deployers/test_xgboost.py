"""XGBoost models are deployed in XGBoost's own format, and answer as they did where they were trained."""

from typing import Any

import numpy as np
import pytest
import xgboost

from clipper_sls import ClipperConnection
from clipper_sls.deployers.xgboost import create_endpoint, deploy_xgboost_model
from clipper_sls.errors import UnpicklableError

SLO_MICROS = 20_000_000


def test_a_booster_answers_as_where_it_was_trained(deployed: Any, connection: ClipperConnection, digits: Any) -> None:
    images, labels = digits
    wanted = {"objective": "multi:softmax", "num_class": 10, "nthread": 1}
    booster = xgboost.train(wanted, xgboost.DMatrix(images[:600], labels[:600]), num_boost_round=5)

    def predict(booster: Any, inputs: Any) -> Any:
        return booster.inplace_predict(inputs)

    create_endpoint(connection, "booster", "doubles", predict, booster, slo_micros=SLO_MICROS)

    manifest = deployed.manifest(connection, "booster")
    assert manifest.entry == "weights:xgboost"
    assert set(manifest.files) == {"clipper.lock", "func.pkl", "weights/Booster.ubj"}
    answers = deployed.answers("booster", images[1200:1260].tolist())
    assert answers == booster.inplace_predict(images[1200:1260]).tolist()
    assert np.mean(answers == labels[1200:1260]) > 0.7


def test_a_classifier_comes_back_as_a_classifier(deployed: Any, connection: ClipperConnection, digits: Any) -> None:
    images, labels = digits
    model = xgboost.XGBClassifier(n_estimators=4, n_jobs=1).fit(images[:600], labels[:600])

    def most_likely(model: Any, inputs: Any) -> Any:
        return [{"digit": int(row.argmax()), "kind": type(model).__name__} for row in model.predict_proba(inputs)]

    create_endpoint(connection, "classifier", "doubles", most_likely, model, slo_micros=SLO_MICROS)

    rows = images[1200:1220]
    assert deployed.answers("classifier", rows.tolist()) == most_likely(model, rows)
    names = {text.partition("==")[0] for text in deployed.manifest(connection, "classifier").requirements}
    assert "scikit-learn" in names


class Mine(xgboost.XGBRegressor):  # type: ignore[misc]
    """No replica has this class."""


@pytest.mark.parametrize("model", [object(), Mine(), xgboost.XGBRegressor()], ids=["no model", "own", "untrained"])
def test_what_xgboost_cannot_store_is_refused(connection: ClipperConnection, model: Any) -> None:
    with pytest.raises(UnpicklableError):
        deploy_xgboost_model(connection, "refused", 1, "doubles", lambda model, inputs: inputs, model)
    assert connection.get_model_info("refused", 1) is None
