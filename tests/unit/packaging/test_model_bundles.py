"""What of a model lies in the weights, and what in the pickle."""

import functools
import pickle
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.bundle import CLOSURE_ENTRY, Manifest
from clipper_sls.domain.weights import MODEL, WeightsFormat
from clipper_sls.errors import UnpicklableError
from clipper_sls.packaging.bundling import Target, bundle_model
from clipper_sls.packaging.weights import of_one_object


class Unpicklable:
    """A model whose framework has its own way to store it."""

    def __reduce__(self) -> Any:
        raise TypeError("not by pickle")


class Loaded(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Any:
        return f"what is called {pid}"


def _target(folder: Path) -> Target:
    return Target(name="m", version="1", input_type="json", pkgs_to_install=(), destination=folder)


def _write(folder: Path) -> None:
    (folder / "model.ubj").write_bytes(b"weights")


def _first(model: Any, inputs: Any) -> Any:
    return [model for _ in inputs]


def _bundled(folder: Path, model: Any) -> Manifest:
    return bundle_model(_first, model, of_one_object(model, WeightsFormat.XGBOOST, _write), **_target(folder))


def test_weights_have_a_folder_of_their_own_and_the_entry_names_their_format(tmp_path: Path) -> None:
    manifest = _bundled(tmp_path, Unpicklable())
    assert manifest.entry == "weights:xgboost"
    assert set(manifest.files) == {"clipper.lock", "func.pkl", "weights/model.ubj"}
    assert manifest.holds_pickle


def test_the_function_refers_to_the_model_by_name_wherever_it_has_it(tmp_path: Path) -> None:
    model = Unpicklable()
    also = functools.partial(lambda captured, given, inputs: [captured, given], model)
    bundle_model(also, model, of_one_object(model, WeightsFormat.XGBOOST, _write), **_target(tmp_path))
    with (tmp_path / "func.pkl").open("rb") as file:
        assert Loaded(file).load()([]) == [f"what is called {MODEL}"] * 2


def test_what_loads_the_weights_is_required(tmp_path: Path) -> None:
    names = [text.partition("==")[0] for text in _bundled(tmp_path, Unpicklable()).requirements]
    assert [name.partition("-cpu")[0] for name in names] == ["xgboost"]


def test_without_weights_the_model_is_pickled(tmp_path: Path) -> None:
    manifest = bundle_model(_first, "the model", None, **_target(tmp_path))
    assert manifest.entry == CLOSURE_ENTRY
    assert pickle.loads((tmp_path / "func.pkl").read_bytes())([1, 2]) == ["the model"] * 2


def test_a_function_that_takes_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnpicklableError, match="must take 2 arguments, the model and the list of inputs"):
        bundle_model(lambda inputs: inputs, "model", None, **_target(tmp_path))  # type: ignore[arg-type, misc]


def test_what_is_neither_in_the_weights_nor_picklable_is_named(tmp_path: Path) -> None:
    lock, model = Unpicklable(), Unpicklable()
    weights = of_one_object(model, WeightsFormat.XGBOOST, _write)
    with pytest.raises(UnpicklableError, match="closure variable 'lock'") as refused:
        bundle_model(lambda model, inputs: [lock for _ in inputs], model, weights, **_target(tmp_path))
    assert "partial" not in str(refused.value).partition(" cannot be deployed")[0]
