"""Reads an MLflow model directory: how its model is to be served, with which packages, on which Python."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.mlflow_model import MlflowLoader, ServedAs, is_tensors, takes
from clipper_sls.errors import InvalidBundleError, InvalidSettingError

MLMODEL = "MLmodel"
REQUIREMENTS = "requirements.txt"
PYFUNC_FLAVOR = "python_function"
MLFLOW, MLFLOW_SKINNY = "mlflow", "mlflow-skinny"
OLDEST_PYTHON = (3, 11)

NATIVE_PACKAGES = {
    MlflowLoader.ONNX: ("onnxruntime",),
    MlflowLoader.XGBOOST: ("xgboost",),
    MlflowLoader.SKOPS: ("scikit-learn", "skops"),
}
SAME_PACKAGE = {"xgboost-cpu": "xgboost", "onnxruntime-gpu": "onnxruntime"}
BOOSTER = "xgboost.core.Booster"
SKOPS_METHODS = ("predict", "predict_proba", "predict_log_proba")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MlflowDirectory:
    """`requirements` as pip takes them; `python` is the minor version that replicas need, `3.11`."""

    path: Path
    served_as: ServedAs
    requirements: tuple[str, ...]
    python: str


def read_mlflow_directory(path: Path, input_type: InputType) -> MlflowDirectory:
    """Raises InvalidBundleError when `path` is no model directory or one that cannot be served, InvalidSettingError
    when rows of `input_type` do not fit the model's signature, ModuleNotFoundError without PyYAML."""
    mlmodel = _mlmodel(path)
    try:
        pyfunc = mlmodel["flavors"][PYFUNC_FLAVOR]
        inputs = (mlmodel.get("signature") or {}).get("inputs")
        signature = None if inputs is None else json.loads(inputs)
        allowed = takes(signature)
        python = _python(path, pyfunc["python_version"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidBundleError(
            f"{path / MLMODEL} cannot be served, {error!r}: a model needs the flavor {PYFUNC_FLAVOR}, as "
            f"mlflow.<framework>.save_model writes it"
        ) from error
    if input_type not in allowed:
        raise InvalidSettingError(
            f"input_type={input_type.value!r} does not fit the signature of {path}, whose inputs are "
            f"{_described(signature)}. Deploy it with one of: {', '.join(sorted(kind.value for kind in allowed))}"
        )
    packages = _requirements(path, mlmodel)
    served_as = _served_as(mlmodel, signature, input_type, {_framework(text) for text in packages})
    if served_as["loader"] != MlflowLoader.PYFUNC:
        packages = [text for text in packages if _name(text) not in (MLFLOW, MLFLOW_SKINNY)]
    return MlflowDirectory(path, served_as, tuple(packages), python)


def _mlmodel(path: Path) -> Mapping[str, Any]:
    import yaml

    file = path / MLMODEL
    if not file.is_file():
        raise InvalidBundleError(f"{path} is no MLflow model directory: it has no file {MLMODEL}")
    try:
        mlmodel = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidBundleError(f"{file} is not readable: {error}") from error
    if not isinstance(mlmodel, dict):
        raise InvalidBundleError(f"{file} is not readable: it holds no fields")
    return mlmodel


def _python(path: Path, version: str) -> str:
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise InvalidBundleError(
            f"The model in {path} was saved by Python {version}, and replicas run Python {oldest} or newer: what one "
            f"saves the other may not read. Save it again from one of these"
        )
    return f"{major}.{minor}"


def _served_as(
    mlmodel: Mapping[str, Any],
    signature: list[dict[str, Any]] | None,
    input_type: InputType,
    packages: set[str | None],
) -> ServedAs:
    served_as = ServedAs(
        loader=MlflowLoader.PYFUNC,
        signature=signature,
        is_from_type_hint=bool(mlmodel.get("is_signature_from_type_hint")),
        file="",
        model_class="",
        method=mlmodel["flavors"][PYFUNC_FLAVOR].get("predict_fn", "predict"),
        trusted=[],
    )
    is_numbers = input_type in (InputType.INTEGERS, InputType.FLOATS, InputType.DOUBLES)
    native = _native(mlmodel["flavors"], served_as) if is_numbers else None
    if native is None or not packages.issuperset(_needs(native)):
        return served_as
    return native


def _native(flavors: Mapping[str, Any], served_as: ServedAs) -> ServedAs | None:
    """How a framework alone serves the model as MLflow would; None where it does not."""
    if (onnx := flavors.get("onnx")) and not onnx.get("onnx_session_options"):
        return {**served_as, "loader": MlflowLoader.ONNX, "file": onnx["data"]}
    if (xgboost := flavors.get("xgboost")) and str(xgboost["data"]).endswith((".ubj", ".json")):
        name = xgboost.get("model_class", BOOSTER)
        return {**served_as, "loader": MlflowLoader.XGBOOST, "file": xgboost["data"], "model_class": name}
    sklearn = flavors.get("sklearn")
    if sklearn and sklearn.get("serialization_format") == "skops" and served_as["method"] in SKOPS_METHODS:
        trusted = sklearn.get("skops_trusted_types") or []
        file = sklearn["pickled_model"]
        return {**served_as, "loader": MlflowLoader.SKOPS, "file": file, "trusted": trusted}
    return None


def _needs(native: ServedAs) -> set[str]:
    """Packages that must be among the model's own, or MLflow has to serve it."""
    loader, signature = MlflowLoader(native["loader"]), native["signature"]
    needed = set(NATIVE_PACKAGES[loader])
    if loader is MlflowLoader.SKOPS and signature is not None and not is_tensors(signature):
        needed.add("pandas")
    if loader is MlflowLoader.XGBOOST and native["model_class"] != BOOSTER:
        needed.add("scikit-learn")
    return needed


def _requirements(path: Path, mlmodel: Mapping[str, Any]) -> list[str]:
    """What the directory lists, and MLflow in the version that saved the model if it does not list that."""
    listed = list(_listed(path / REQUIREMENTS))
    if not {MLFLOW, MLFLOW_SKINNY}.intersection(_name(text) for text in listed):
        version = mlmodel.get("mlflow_version")
        listed.insert(0, f"{MLFLOW}=={version}" if version else MLFLOW)
    return listed


def _listed(file: Path) -> Iterator[str]:
    if not file.is_file():
        return
    for line in file.read_text().replace("\\\n", " ").splitlines():
        text = line.partition(" #")[0].strip()
        if text.startswith("-"):
            _log.warning("The line %r of %s has no effect: only requirements do", text, file)
        elif text and not text.startswith("#"):
            yield text


def _name(requirement: str) -> str | None:
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return None


def _framework(requirement: str) -> str | None:
    name = _name(requirement)
    return name if name is None else SAME_PACKAGE.get(name, name)


def _described(signature: Sequence[Mapping[str, Any]] | None) -> str:
    parts = signature or ()
    kinds = [part["tensor-spec"]["dtype"] if "tensor-spec" in part else part["type"] for part in parts]
    names = [part.get("name", f"number {place}") for place, part in enumerate(parts, 1)]
    what = "tensors" if is_tensors(parts) else "columns"
    return f"the {what} {', '.join(f'{name} ({kind})' for name, kind in zip(names, kinds, strict=True))}"
