"""A replica loads a model's weights once, and only those that its manifest lists."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from clipper_sls.domain.bundle import MANIFEST_NAME, Manifest
from clipper_sls.domain.inputs import InputType, pack_numbers
from clipper_sls.packaging.bundling import Target, bundle_model
from clipper_sls.packaging.skops_weights import skops_weights

StartReplica = Callable[..., Any]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    model = LinearRegression().fit(np.array([[0.0], [1.0]]), [1.0, 3.0])

    def predict(model: Any, inputs: Any) -> Any:
        return [round(value, 6) for value in model.predict(inputs)]

    target = Target(name="m", version="1", input_type="doubles", pkgs_to_install=(), destination=tmp_path)
    bundle_model(predict, model, skops_weights(model), **target)
    return tmp_path


def test_the_function_gets_the_model(start_replica: StartReplica, bundle: Path) -> None:
    rows = [pack_numbers(InputType.DOUBLES, [value]) for value in (2.0, 3.0)]
    assert start_replica(bundle).ask(InputType.DOUBLES, rows) == {"outputs": [5.0, 7.0], "errors": []}


def test_weights_that_were_changed_are_not_read(start_replica: StartReplica, bundle: Path) -> None:
    (bundle / "weights" / "model.skops").write_bytes(b"other weights")
    assert "The bundle's file weights/model.skops is not what its manifest says" in start_replica(bundle).init_error()


def test_weights_that_the_manifest_does_not_list_are_refused(start_replica: StartReplica, bundle: Path) -> None:
    (bundle / "weights" / "more.bin").write_bytes(b"")
    assert "The bundle holds weights/more.bin, which its manifest does not list" in start_replica(bundle).init_error()


def test_a_format_of_a_later_release_is_named(start_replica: StartReplica, bundle: Path) -> None:
    path = bundle / MANIFEST_NAME
    path.write_bytes(path.read_bytes().replace(b"weights:skops", b"weights:later"))
    message = start_replica(bundle).init_error()
    assert "The bundle's entry 'weights:later' is unknown here; known are closure:func.pkl" in message
    assert Manifest.from_json(path.read_bytes()).holds_pickle
