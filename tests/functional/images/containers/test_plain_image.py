"""The image of a plain function, made by the command and without Docker, runs in a real container engine.

Its base is this machine's Python (`clipper_sls.testing.python_base`), its packages are those that are installed here.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.image.contents import BUNDLE_FOLDER
from clipper_sls.domain.image.model_config import USER
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.inputs import InputType
from clipper_sls.testing.docker_engine import KILLED, DockerEngineUnderTest
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.python_base import PLATFORM, push_python_base
from clipper_sls.testing.runtime_api import Reply

LIMIT_S = 120
TRAIN = """
import numpy as np

def predict(inputs):
    hoard = []
    while inputs[0][0] < 0:
        hoard.append(bytearray(1 << 20))
    return [{"sum": float(np.sum(row)), "rows": len(inputs)} for row in inputs]
"""
GREEDY_EVENT = pack_event(InputType.DOUBLES, [np.array([-1.0]).tobytes()])

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def base(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return push_python_base(Reference.parse(f"{registry.host}/python:1"), tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def plain(
    base: Reference,
    wheels: dict[str, str],
    containers: DockerEngineUnderTest,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """Built by the command, written to an archive, and read from it by the engine."""
    project = tmp_path_factory.mktemp("project")
    (project / "train.py").write_text(TRAIN)
    archive = project / "image.tar"
    model = ("--name", "plain", "--version", "1", "--input-type", "doubles", "--platform", PLATFORM)
    command = (sys.executable, "-m", "clipper_sls", "image", "build", "train:predict", *model, "--base", base)
    done = subprocess.run(
        [str(word) for word in (*command, "--output", archive)],
        cwd=project,
        env={**os.environ, **wheels, "DOCKER_CONFIG": str(project / "docker")},  # noqa: TID251
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    return containers.load(archive)


@pytest.fixture(scope="module")
def expected(rows: Any) -> dict[str, Any]:
    return {"outputs": [{"sum": float(np.sum(row)), "rows": len(rows)} for row in rows], "errors": []}


def test_a_function_answers_below_a_runtime_api(plain: str, running: Any, event: bytes, expected: Any) -> None:
    with running(plain) as (api, container):
        for _ in range(2):
            assert api.ask(event) == Reply("response", expected), container.log


def test_a_function_answers_below_the_emulator_of_aws(
    plain: str, answer_below_the_emulator: Callable[[str], Any], expected: Any
) -> None:
    assert answer_below_the_emulator(plain) == expected


def test_a_function_answers_over_http(plain: str, answer_over_http: Callable[[str], Any], rows: Any) -> None:
    result = answer_over_http(plain)  # in batches as the server likes them
    assert [output["sum"] for output in result["outputs"]] == [float(np.sum(row)) for row in rows]
    assert result["errors"] == []


def test_it_is_nobody_and_may_write_to_tmp_alone(plain: str, running: Any) -> None:
    tries = "import os; print(os.getuid(), os.getgid(), os.access('/', os.W_OK), os.access('/opt/clipper', os.W_OK), "
    with running(plain) as (_, container):
        told = container.run("python3", "-c", f"{tries} os.access(os.environ['HOME'], os.W_OK))")
    assert told.split() == [*USER.split(":"), "False", "False", "True"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("func.pkl", "The bundle's file func.pkl is not what its manifest says"),
        ("modules/added.py", "which its manifest does not list: it was added after the model was deployed"),
    ],
)
def test_what_was_changed_after_the_build_is_refused_at_the_start(
    plain: str, containers: DockerEngineUnderTest, running: Any, path: str, said: str
) -> None:
    tampered = containers.derived(plain, {f"/{BUNDLE_FOLDER}/{path}": b"print('tampered')"})
    with running(tampered) as (api, container):
        reply = api.next_reply()
        assert reply.kind == "init"
        assert said in reply.value["errorMessage"]
        assert "tampered" not in container.log


def test_a_manifest_of_another_digest_is_refused_at_the_start(
    plain: str, containers: DockerEngineUnderTest, running: Any
) -> None:
    path = f"/{BUNDLE_FOLDER}/manifest.json"
    with running(plain) as (_, container):
        manifest = container.run("python3", "-c", f"print(end=open('{path}').read())")
    tampered = containers.derived(plain, {path: manifest.replace('"version":"1"', '"version":"2"').encode()})
    with running(tampered) as (api, _):
        assert "it was changed after it was deployed" in api.next_reply().value["errorMessage"]


def test_a_container_that_its_memory_limit_killed_is_told_as_such(plain: str, running: Any, event: bytes) -> None:
    with running(plain, memory_mib=128) as (api, container):
        assert api.ask(event).kind == "response", container.log
        api.offer(GREEDY_EVENT)
        assert container.wait() == KILLED
        assert container.ended_by == "killed, as it used more than its 128 MiB of memory"
