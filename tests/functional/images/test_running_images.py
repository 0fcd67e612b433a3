"""Images that were built without Docker run in a real container engine, and answer as their bundle in a process does.

The base is made of this machine's Python (`clipper_sls.testing.python_base`). For the frameworks it also holds their
packages, so that not every image archives hundreds of megabytes of them anew; the image of a plain function has all it
needs from wheels, by the command that users have.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import numpy as np
import pytest

from clipper_sls.bootstrap.images import image_builder, image_context
from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.image.contents import BUNDLE_FOLDER
from clipper_sls.domain.image.model_config import ENTRYPOINT, USER
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.inputs import InputType
from clipper_sls.packaging.bundling import bundle_model
from clipper_sls.packaging.runtime_package import RUNTIME_PACKAGES, SERVER_PACKAGES
from clipper_sls.testing.docker_engine import KILLED, ContainerUnderTest, DockerEngineUnderTest
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.images import only_wheels_in, wheel
from clipper_sls.testing.installed_packages import closure, repacked
from clipper_sls.testing.lambda_emulator import PLACE, EmulatorError, LambdaEmulator, fetch_emulator
from clipper_sls.testing.ports import free_port
from clipper_sls.testing.python_base import PLATFORM, push_python_base
from clipper_sls.testing.runtime_api import Reply, RuntimeApi, runtime_api

FRAMEWORKS = ("scikit-learn", "skops", "xgboost-cpu", "onnxruntime", "safetensors")
LIMIT_S = 120
START_LIMIT_S = 30
TRAIN = """
import numpy as np

def predict(inputs):
    hoard = []
    while inputs[0][0] < 0:
        hoard.append(bytearray(1 << 20))
    return [{"sum": float(np.sum(row)), "rows": len(inputs)} for row in inputs]
"""
ROWS = np.random.default_rng(0).random((5, 64))
EVENT = pack_event(InputType.DOUBLES, [row.tobytes() for row in ROWS])
GREEDY_EVENT = pack_event(InputType.DOUBLES, [np.array([-1.0]).tobytes()])

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class BuiltImage:
    """An image in the engine, and the bundle that it was built from."""

    id: str
    bundle: Path


def _variables(bundle: Path) -> dict[str, str]:
    digest = Manifest.from_json((bundle / "manifest.json").read_bytes()).digest
    return {"CLIPPER_BUNDLE_PATH": str(bundle), "CLIPPER_BUNDLE_DIGEST": digest}


@contextmanager
def _process(variables: Mapping[str, str]) -> Iterator[None]:
    """The same runtime as a process of this environment."""
    environment = {**os.environ, **variables}  # noqa: TID251
    with subprocess.Popen([sys.executable, "-m", "clipper_sls.runtime"], env=environment) as process:
        try:
            yield
        finally:
            process.kill()


def _expected(bundle: Path) -> Reply:
    with runtime_api() as api, _process({**_variables(bundle), "AWS_LAMBDA_RUNTIME_API": api.address}):
        return api.ask(EVENT)


@contextmanager
def _running(
    containers: DockerEngineUnderTest, image: str, **more: Any
) -> Iterator[tuple[RuntimeApi, ContainerUnderTest]]:
    with (
        runtime_api() as api,
        containers.container(image, {"AWS_LAMBDA_RUNTIME_API": api.address}, **more) as container,
    ):
        yield api, container


@contextmanager
def _serving(containers: DockerEngineUnderTest, image: str) -> Iterator[tuple[LambdaEmulator, ContainerUnderTest]]:
    """Nobody offers it a Runtime API, so it serves HTTP, with the path that the emulator has."""
    port = free_port()
    settings = {"CLIPPER_SERVER_HOST": "127.0.0.1", "CLIPPER_SERVER_PORT": str(port)}
    with containers.container(image, settings) as container:
        yield LambdaEmulator(f"127.0.0.1:{port}", ""), container


# --- The image of a plain function, as the command makes it.


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text(TRAIN)
    return folder


@pytest.fixture(scope="module")
def base(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return push_python_base(Reference.parse(f"{registry.host}/python:1"), tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which what the image of a plain function needs is found, as it is installed here."""
    folder = tmp_path_factory.mktemp("wheels")
    for found in closure((*RUNTIME_PACKAGES, *SERVER_PACKAGES)):
        repacked(found, folder)
    wheel(folder, {"tinypackage.py": b""})
    return only_wheels_in(folder)


@pytest.fixture(scope="module")
def plain(
    project: Path,
    base: Reference,
    wheels: dict[str, str],
    containers: DockerEngineUnderTest,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """Built by the command, written to an archive, and read from it by the engine."""
    folder = tmp_path_factory.mktemp("plain")
    archive = folder / "image.tar"
    model = ("--name", "plain", "--version", "1", "--input-type", "doubles", "--platform", PLATFORM)
    command = (sys.executable, "-m", "clipper_sls", "image", "build", "train:predict", *model, "--base", base)
    done = subprocess.run(
        [str(word) for word in (*command, "--output", archive)],
        cwd=project,
        env={**os.environ, **wheels, "DOCKER_CONFIG": str(folder / "docker")},  # noqa: TID251
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    return containers.load(archive)


def test_a_function_answers_below_a_runtime_api(plain: str, containers: DockerEngineUnderTest) -> None:
    with _running(containers, plain) as (api, container):
        outputs = [{"sum": float(np.sum(row)), "rows": len(ROWS)} for row in ROWS]
        assert api.ask(EVENT) == Reply("response", {"outputs": outputs, "errors": []}), container.log
        assert api.ask(EVENT) == Reply("response", {"outputs": outputs, "errors": []}), container.log


def test_it_is_nobody_and_may_write_to_tmp_alone(plain: str, containers: DockerEngineUnderTest) -> None:
    tries = "import os; print(os.getuid(), os.getgid(), os.access('/', os.W_OK), os.access('/opt/clipper', os.W_OK), "
    with _running(containers, plain) as (_, container):
        told = container.run("python3", "-c", f"{tries} os.access(os.environ['HOME'], os.W_OK))")
    assert told.split() == [*USER.split(":"), "False", "False", "True"]


@pytest.fixture(scope="module")
def emulator() -> Path:
    try:
        return fetch_emulator()
    except EmulatorError as error:
        pytest.skip(f"NOT TESTED HERE: needs the Lambda Runtime Interface Emulator: {error}")


def _asked(emulator: LambdaEmulator, container: ContainerUnderTest) -> Any:
    for _ in range(START_LIMIT_S * 50):
        try:
            return emulator.ask(EVENT)
        except httpx2.ConnectError:
            Event().wait(0.02)
    raise AssertionError(container.log)


def test_a_function_answers_below_the_emulator_of_aws(
    plain: str, containers: DockerEngineUnderTest, emulator: Path
) -> None:
    addresses = LambdaEmulator(f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
    command = addresses.command(PLACE, ENTRYPOINT)
    with containers.container(plain, entrypoint=command, mounts={emulator: PLACE}) as container:
        outputs = [{"sum": float(np.sum(row)), "rows": len(ROWS)} for row in ROWS]
        assert _asked(addresses, container) == {"outputs": outputs, "errors": []}, container.log


def test_a_function_answers_over_http_where_there_is_no_runtime_api(
    plain: str, containers: DockerEngineUnderTest
) -> None:
    with _serving(containers, plain) as (server, container):
        result = _asked(server, container)  # in batches as the server likes them
        assert [output["sum"] for output in result["outputs"]] == [float(np.sum(row)) for row in ROWS], container.log
        assert result["errors"] == []
        answer = httpx2.post(f"http://{server.asked_at}/predict", json={"input": [1.0, 2.0]}, trust_env=False).json()
        assert answer["output"] == {"sum": 3.0, "rows": 1}
        assert httpx2.get(f"http://{server.asked_at}/readyz", trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("func.pkl", "The bundle's file func.pkl is not what its manifest says"),
        ("modules/added.py", "which its manifest does not list: it was added after the model was deployed"),
    ],
)
def test_what_was_changed_after_the_build_is_refused_at_the_start(
    plain: str, containers: DockerEngineUnderTest, path: str, said: str
) -> None:
    tampered = containers.derived(plain, {f"/{BUNDLE_FOLDER}/{path}": b"print('tampered')"})
    with _running(containers, tampered) as (api, container):
        reply = api.next_reply()
        assert reply.kind == "init"
        assert said in reply.value["errorMessage"]
        assert "tampered" not in container.log


def test_a_manifest_of_another_digest_is_refused_at_the_start(plain: str, containers: DockerEngineUnderTest) -> None:
    path = f"/{BUNDLE_FOLDER}/manifest.json"
    with _running(containers, plain) as (_, container):
        manifest = container.run("python3", "-c", f"print(end=open('{path}').read())")
    tampered = containers.derived(plain, {path: manifest.replace('"version":"1"', '"version":"2"').encode()})
    with _running(containers, tampered) as (api, _):
        assert "it was changed after it was deployed" in api.next_reply().value["errorMessage"]


def test_a_container_that_its_memory_limit_killed_is_told_as_such(
    plain: str, containers: DockerEngineUnderTest
) -> None:
    with _running(containers, plain, memory_mib=128) as (api, container):
        assert api.ask(EVENT).kind == "response", container.log
        api.offer(GREEDY_EVENT)
        assert container.wait() == KILLED
        assert container.ended_by == "killed, as it used more than its 128 MiB of memory"


# --- One image for each framework.


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


TRAINED = {"sklearn": _sklearn, "xgboost": _xgboost, "onnx": _onnx, "pytorch": _pytorch}


@pytest.fixture(scope="module")
def frameworks(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    place = Reference.parse(f"{registry.host}/frameworks:1")
    return push_python_base(place, tmp_path_factory.mktemp("frameworks"), (*RUNTIME_PACKAGES, *FRAMEWORKS))


@pytest.fixture(scope="module")
def with_torch(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    place = Reference.parse(f"{registry.host}/torch:1")
    return push_python_base(place, tmp_path_factory.mktemp("torch"), (*RUNTIME_PACKAGES, "torch", "safetensors"))


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
    if kind == "pytorch":
        request.getfixturevalue("torch_is_installed")
        if "+cpu" not in version("torch"):
            pytest.skip("NOT TESTED HERE: needs a PyTorch for CPUs; that for GPUs has gigabytes of libraries")
    base = request.getfixturevalue("with_torch" if kind == "pytorch" else "frameworks")
    for variable, value in wheels.items():
        monkeypatch.setenv(variable, value)
    (bundle := tmp_path / "bundle").mkdir()
    target = {"name": kind, "version": "1", "input_type": "doubles", "pkgs_to_install": ()}
    bundle_model(*TRAINED[kind](), **target, destination=bundle)
    context = image_context(bundle, str(base), str(PLATFORM), tmp_path / "runtime")
    with image_builder(LIMIT_S) as builder:
        image = builder.build(replace(context, packages=("tinypackage==1.0",)))
        pushed = builder.push(image, Reference.parse(f"{registry.host}/{kind}:1"))
    return BuiltImage(containers.pull(str(pushed)), bundle)


def test_the_image_of_a_framework_answers_as_its_bundle_does_in_a_process(
    framework: BuiltImage, containers: DockerEngineUnderTest
) -> None:
    expected = _expected(framework.bundle)
    assert expected.kind == "response"
    assert expected.value["errors"] == []
    assert len(expected.value["outputs"]) == len(ROWS)
    with _running(containers, framework.id) as (api, container):
        assert api.ask(EVENT) == expected, container.log
    with _serving(containers, framework.id) as (server, container):
        assert _asked(server, container) == expected.value, container.log
