"""Keras models are deployed in Keras's own format, and answer as they did where they were trained."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clipper_sls import ClipperConnection

SLO_MICROS = 20_000_000

pytestmark = [
    pytest.mark.usefixtures("torch_is_installed"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # in Keras's own variables
]


@pytest.fixture(scope="module")
def keras(torch_is_installed: None) -> Any:
    """Keras on PyTorch, which is the one framework below it that tests have."""
    os.environ["KERAS_BACKEND"] = "torch"  # noqa: TID251 - as its users choose it
    import keras
    import torch

    torch.set_num_threads(1)
    return keras


@pytest.fixture(scope="module")
def trained(keras: Any, digits: Any) -> Any:
    """A small network with a layer and an activation of the user's own, trained for real."""

    @keras.saving.register_keras_serializable(package="tests")
    class Scaled(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, factor: float = 1.0, **options: Any) -> None:
            super().__init__(**options)
            self.factor = factor

        def call(self, inputs: Any) -> Any:
            return inputs * self.factor

        def get_config(self) -> Any:
            return {**super().get_config(), "factor": self.factor}

    @keras.saving.register_keras_serializable(package="tests")
    def steep(inputs: Any) -> Any:
        return keras.ops.relu(inputs) * 1.5

    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((64,)), Scaled(1 / 16), layers.Dense(32, activation=steep), layers.Dense(10)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit(digits[0][:1200], digits[1][:1200], epochs=8, verbose=0)
    return model


def predict(model: Any, inputs: Any) -> Any:
    return model.predict(inputs, verbose=0).argmax(axis=1)


def test_a_model_with_layers_of_its_own_answers_as_where_it_was_trained(
    deployed: Any, connection: ClipperConnection, digits: Any, trained: Any
) -> None:
    from clipper_sls.deployers.keras import create_endpoint

    create_endpoint(connection, "keras", "doubles", predict, trained, slo_micros=SLO_MICROS)

    manifest = deployed.manifest(connection, "keras")
    assert manifest.entry == "weights:keras"
    assert set(manifest.files) == {"clipper.lock", "func.pkl", "weights/model.keras", "weights/backend.txt"}
    assert {text.partition("==")[0] for text in manifest.requirements} == {"keras", "torch"}
    rows = digits[0][1200:1300]
    answers = deployed.answers("keras", rows.tolist())
    assert answers == predict(trained, rows).tolist()
    assert np.mean(answers == digits[1][1200:1300]) > 0.8


@pytest.mark.slow
def test_a_function_that_knows_keras_and_the_model_has_those_that_were_loaded(
    deployed: Any, connection: ClipperConnection, keras: Any, trained: Any
) -> None:
    from clipper_sls.deployers.keras import create_endpoint

    kind = type(trained.layers[0])

    def described(model: Any, inputs: Any) -> Any:
        return [[keras.config.backend(), model is trained, isinstance(model.layers[0], kind)]] * len(inputs)

    create_endpoint(connection, "described-keras", "doubles", described, trained, slo_micros=SLO_MICROS)
    assert deployed.answers("described-keras", [[0.0]]) == [["torch", True, True]]


@pytest.mark.slow
def test_a_path_is_deployed_and_an_equal_model_is_an_equal_version(
    connection: ClipperConnection, trained: Any, deployed: Any, tmp_path: Path
) -> None:
    from clipper_sls.deployers.keras import deploy_keras_model

    def written(model: Any, version: int) -> Any:
        deploy_keras_model(connection, "path", version, "doubles", predict, model)
        return deployed.manifest(connection, "path", version).files["weights/model.keras"]

    trained.save(tmp_path / "model.keras")
    first = written(trained, 1)
    assert written(tmp_path / "model.keras", 2) == first
    assert first.size_bytes < 3 * sum(weight.nbytes for weight in trained.get_weights())  # no optimizer


def test_what_keras_cannot_load_in_its_safe_mode_is_refused(
    connection: ClipperConnection, keras: Any, tmp_path: Path
) -> None:
    from clipper_sls.deployers.keras import deploy_keras_model
    from clipper_sls.errors import UnpicklableError

    code = keras.Sequential([keras.layers.Input((1,)), keras.layers.Lambda(lambda values: values * 2)])

    class Unregistered(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, inputs: Any) -> Any:
            return inputs

    own = keras.Sequential([keras.layers.Input((1,)), Unregistered()])
    (tmp_path / "broken.keras").write_bytes(b"no archive")
    for model, message in (
        ("nowhere.keras", "is no file"),
        (tmp_path / "broken.keras", "Keras could not load"),
        (object(), r"'object' is no model of Keras 3\."),
        (code, "Decorate your own layers and functions with @keras.saving.register_keras_serializable"),
        (own, "Decorate your own layers and functions with @keras.saving.register_keras_serializable"),
    ):
        with pytest.raises(UnpicklableError, match=message):
            deploy_keras_model(connection, "refused", 1, "doubles", predict, model)
    assert connection.get_model_info("refused", 1) is None
