"""Images of each framework's models run in a real container engine, and answer as their bundle in a process does.

Their base has the packages of the frameworks, so that not every image archives hundreds of megabytes of them anew.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clipper_sls.bootstrap.images import image_builder, image_context
from clipper_sls.domain.image.references import Reference
from clipper_sls.packaging.bundling import bundle_model
from clipper_sls.packaging.runtime_package import RUNTIME_PACKAGES
from clipper_sls.packaging.signing import Signer
from clipper_sls.testing.docker_engine import DockerEngineUnderTest
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.python_base import PLATFORM, push_python_base
from clipper_sls.testing.runtime_api import Reply

FRAMEWORKS = ("scikit-learn", "skops", "xgboost-cpu", "onnxruntime", "safetensors")
LIMIT_S = 120

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # in Keras's own variables
]


@dataclass(frozen=True)
class BuiltImage:
    """An image in the engine, and the bundle that it was built from."""

    id: str
    bundle: Path


def _sklearn() -> tuple[Callable[[Any, Any], Any], Any, Any]:
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier

    from clipper_sls.packaging.skops_weights import skops_weights

    model = RandomForestClassifier(10, random_state=0).fit(*load_digits(return_X_y=True))
    return lambda model, inputs: model.predict_proba(inputs * 16).tolist(), model, skops_weights(model)


def _xgboost() -> tuple[Callable[[Any, Any], Any], Any, Any]:
    import xgboost
    from sklearn.datasets import load_digits

    from clipper_sls.packaging.xgboost_weights import xgboost_weights

    wanted = {"objective": "multi:softprob", "num_class": 10, "nthread": 1}
    model = xgboost.train(wanted, xgboost.DMatrix(*load_digits(return_X_y=True)), num_boost_round=4)
    return lambda model, inputs: model.inplace_predict(inputs * 16), model, xgboost_weights(model)


def _onnx() -> tuple[Callable[[Any, Any], Any], Any, Any]:
    from onnx import TensorProto, helper, numpy_helper

    from clipper_sls.packaging.onnx_weights import onnx_weights

    weights = numpy_helper.from_array(np.random.default_rng(1).random((64, 3), np.float32), "weights")
    nodes = [helper.make_node("MatMul", ["rows", "weights"], ["scores"])]
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["batch", 64])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_graph(nodes, "scores", [rows], [scores], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def run(session: Any, inputs: Any) -> Any:
        (scores,) = session.run(None, {"rows": inputs.astype("float32")})
        return scores

    return run, model, onnx_weights(model, model)


def _pytorch() -> tuple[Callable[[Any, Any], Any], Any, Any]:
    import torch

    from clipper_sls.packaging.pytorch_weights import pytorch_weights

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3)).eval()

    def scores(model: Any, inputs: Any) -> Any:
        import torch

        with torch.no_grad():
            return model(torch.from_numpy(inputs.astype("float32"))).round(decimals=4)

    return scores, model, pytorch_weights(model)


def _keras() -> tuple[Callable[[Any, Any], Any], Any, Any]:
    os.environ["KERAS_BACKEND"] = "torch"  # noqa: TID251 - as its users choose it
    import keras

    from clipper_sls.packaging.keras_weights import keras_weights

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input((64,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3)])

    def scores(model: Any, inputs: Any) -> Any:
        return model.predict(inputs, verbose=0).round(4).tolist()

    return scores, model, keras_weights(model)


TRAINED = {"keras": _keras, "sklearn": _sklearn, "xgboost": _xgboost, "onnx": _onnx, "pytorch": _pytorch}

ON_TORCH = frozenset(("pytorch", "keras"))


@pytest.fixture(scope="module")
def frameworks(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    place = Reference.parse(f"{registry.host}/frameworks:1")
    return push_python_base(place, tmp_path_factory.mktemp("frameworks"), (*RUNTIME_PACKAGES, *FRAMEWORKS))


@pytest.fixture(scope="module")
def with_torch(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    place = Reference.parse(f"{registry.host}/torch:1")
    return push_python_base(
        place, tmp_path_factory.mktemp("torch"), (*RUNTIME_PACKAGES, "torch", "safetensors", "keras")
    )


@pytest.fixture(params=TRAINED)
def framework(
    request: pytest.FixtureRequest,
    registry: DockerRegistryUnderTest,
    containers: DockerEngineUnderTest,
    wheels: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> BuiltImage:
    kind = request.param
    if kind in ON_TORCH:
        request.getfixturevalue("torch_is_installed")
        if "+cpu" not in version("torch"):
            pytest.skip("NOT TESTED HERE: needs a PyTorch for CPUs; that for GPUs has gigabytes of libraries")
    base = request.getfixturevalue("with_torch" if kind in ON_TORCH else "frameworks")
    for variable, value in wheels.items():
        monkeypatch.setenv(variable, value)
    (bundle := tmp_path / "bundle").mkdir()
    target = {"name": kind, "version": "1", "input_type": "doubles", "pkgs_to_install": ()}
    bundle_model(*TRAINED[kind](), **target, destination=bundle)
    signer = Signer(tmp_path / "key.pem").sign(bundle)
    context = image_context(bundle, str(base), str(PLATFORM), tmp_path / "runtime", signer)
    with image_builder(LIMIT_S) as builder:
        nothing = ("tinypackage==1.0",)  # all that the model needs is in the base
        image = builder.build(replace(context, packages=nothing, constraints=()))
        pushed = builder.push(image, Reference.parse(f"{registry.host}/{kind}:1"))
    return BuiltImage(containers.pull(str(pushed)), bundle)


def test_the_image_of_a_framework_answers_as_its_bundle_does_in_a_process(
    framework: BuiltImage,
    answer_in_a_process: Callable[[Path], Reply],
    running: Any,
    answer_below_the_emulator: Callable[[str], Any],
    answer_over_http: Callable[[str], Any],
    event: bytes,
) -> None:
    expected = answer_in_a_process(framework.bundle)
    assert expected.kind == "response"
    assert expected.value["errors"] == []
    with running(framework.id) as (api, container):
        assert api.ask(event) == expected, container.log
    assert answer_below_the_emulator(framework.id) == expected.value
    assert answer_over_http(framework.id) == expected.value
