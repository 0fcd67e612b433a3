"""An MLflow model directory as weights that are the whole function."""

import json
import shutil
from functools import partial
from pathlib import Path

from clipper_sls.domain.weights import MLFLOW_FOLDER, MLFLOW_SERVED_AS_FILE, WeightsFormat
from clipper_sls.packaging.mlflow_directory import MlflowDirectory
from clipper_sls.packaging.weights import Weights


def mlflow_weights(directory: MlflowDirectory) -> Weights:
    """The directory as it is, every file of it."""
    return Weights(WeightsFormat.MLFLOW, partial(_write, directory), lambda value: None)


def _write(directory: MlflowDirectory, folder: Path) -> None:
    shutil.copytree(directory.path, folder / MLFLOW_FOLDER, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / MLFLOW_SERVED_AS_FILE).write_text(json.dumps(directory.served_as, sort_keys=True))
