"""XGBoost models as weights beside a function, in XGBoost's own format."""

from functools import partial
from pathlib import Path
from typing import Any

from clipper_sls.domain.weights import XGBOOST_SUFFIX, WeightsFormat
from clipper_sls.errors import UnpicklableError
from clipper_sls.packaging.weights import Weights, of_one_object

BOOSTER = "Booster"
ESTIMATORS = ("XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor")


def xgboost_weights(model: Any) -> Weights:
    """The model as UBJSON, with XGBoost's class for it as the file's name.

    Raises UnpicklableError for what XGBoost cannot store, ModuleNotFoundError without XGBoost.
    """
    import xgboost

    name = type(model).__name__
    if name not in (BOOSTER, *ESTIMATORS) or type(model) is not getattr(xgboost, name):
        raise UnpicklableError(
            f"'{name}' is no model that XGBoost can store and give back; those are {BOOSTER}, {', '.join(ESTIMATORS)}. "
            f"Of a class of your own deploy model.get_booster(), and any model with deploy_python_closure"
        )
    return of_one_object(
        model,
        WeightsFormat.XGBOOST,
        partial(_write, model, f"{name}{XGBOOST_SUFFIX}"),
        frozenset(() if name == BOOSTER else ("sklearn",)),
    )


def _write(model: Any, file_name: str, folder: Path) -> None:
    try:
        model.save_model(folder / file_name)
    except Exception as error:  # NotFittedError is scikit-learn's, XGBoostError XGBoost's
        raise UnpicklableError(f"XGBoost could not store the model: {error}") from error
