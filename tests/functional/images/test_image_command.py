"""From a function to an image to answers: the command, a real registry, and the replica that the image starts."""

import json
import os
import platform
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.image.model_config import ENTRYPOINT
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.inputs import InputType
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.images import PulledImage, only_wheels_in, push_base, wheel
from clipper_sls.testing.installed_packages import closure, repacked
from clipper_sls.testing.runtime_api import Reply, runtime_api

HERE = {"x86_64": Platform.AMD64, "aarch64": Platform.ARM64}.get(platform.machine())
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
RUNTIME = ("awslambdaric", "cloudpickle", "numpy")
LIMIT_S = 90
TRAIN = """
def predict(inputs):
    import tinypackage
    return [tinypackage.FACTOR * float(sum(row)) for row in inputs]
"""
pytestmark = pytest.mark.skipif(HERE is None, reason="images are for amd64 and arm64")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text(TRAIN)
    return folder


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An index of what an image needs, and nothing more."""
    folder = tmp_path_factory.mktemp("wheels")
    for found in closure(RUNTIME):
        repacked(found, folder)
    wheel(folder, {"tinypackage.py": b"FACTOR = 3\n"})
    return {**os.environ, **only_wheels_in(folder), "DOCKER_CONFIG": str(folder / "docker")}  # noqa: TID251


@pytest.fixture(scope="module")
def base(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> str:
    reference = Reference.parse(f"{registry.host}/base:1")
    push_base(reference, tmp_path_factory.mktemp("base"), (f"PYTHON_VERSION={PYTHON}.1",))
    return str(reference)


@pytest.fixture(scope="module")
def command(project: Path, variables: Mapping[str, str]) -> Any:
    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "clipper_sls", "image", *map(str, arguments)],
            cwd=project,
            env=dict(variables),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


def _build(base: str, *more: object) -> tuple[object, ...]:
    model = ("--name", "tripled", "--version", "1", "--input-type", "doubles", "--package", "tinypackage==1.0")
    return ("build", "train:predict", *model, "--base", base, "--platform", HERE, "--json", *more)


@pytest.fixture(scope="module")
def built(
    command: Any, base: str, registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("built") / "image"
    done = command(*_build(base, "--push", f"{registry.host}/tripled:1", "--output", folder))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), folder


def _unpacked(layout: Path, folder: Path) -> dict[str, str]:
    """The image's layers in `folder`; returns its variables, with paths that lead there."""
    blobs = layout / "blobs/sha256"
    document = lambda digest: json.loads((blobs / digest.removeprefix("sha256:")).read_bytes())  # noqa: E731
    manifest = document(json.loads((layout / "index.json").read_bytes())["manifests"][0]["digest"])
    for layer in manifest["layers"]:
        with tarfile.open(blobs / layer["digest"].removeprefix("sha256:")) as tar:
            tar.extractall(folder, filter="data")
    config = document(manifest["config"]["digest"])["config"]
    assert tuple(config["Entrypoint"]) == ENTRYPOINT
    variables = dict(entry.split("=", 1) for entry in config["Env"])
    return {name: value.replace("/opt/", f"{folder}/opt/") for name, value in variables.items()}


def _replica(variables: Mapping[str, str], folder: Path, **more: str) -> "subprocess.Popen[str]":
    """As the image's entry point; this Python, without what is installed in it."""
    command = [sys.executable, "-S", *ENTRYPOINT[1:]]
    environment = {**variables, **more}
    return subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.slow
def test_the_replica_of_an_image_answers_with_nothing_but_what_is_in_the_image(
    built: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    import struct

    variables = _unpacked(built[1], tmp_path)
    rows = [struct.pack("<2d", 1.0, 2.0), struct.pack("<2d", 0.5, 0.5)]
    with runtime_api() as api, _replica(variables, tmp_path, AWS_LAMBDA_RUNTIME_API=api.address) as replica:
        try:
            reply = api.ask(pack_event(InputType.DOUBLES, rows))
        finally:
            replica.kill()
            log = replica.stdout.read() if replica.stdout else ""
    assert reply == Reply("response", {"outputs": [9.0, 3.0], "errors": []}), log


@pytest.mark.slow
def test_elsewhere_an_image_says_that_it_cannot_serve_yet(built: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    with _replica(_unpacked(built[1], tmp_path), tmp_path) as replica:
        said, _ = replica.communicate(timeout=LIMIT_S)
    assert replica.returncode == 2
    assert "does not yet hold a server" in said


@pytest.mark.slow
def test_what_was_pushed_is_what_was_written(
    built: tuple[dict[str, Any], Path], registry: DockerRegistryUnderTest
) -> None:
    document, folder = built
    pulled = PulledImage(Reference.parse(f"{registry.host}/tripled:1"))
    assert document["digest"] == pulled.digest
    assert document["size_bytes"] == pulled.manifest.size_bytes
    assert document["reference"] == f"{registry.host}/tripled@{pulled.digest}"
    assert json.loads((folder / "index.json").read_bytes())["manifests"][0]["digest"] == pulled.digest


@pytest.mark.slow
def test_building_again_gives_the_same_image(
    built: tuple[dict[str, Any], Path], command: Any, base: str, tmp_path: Path
) -> None:
    archive = tmp_path / "image.tar"
    done = command(*_build(base, "--output", archive))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["digest"] == built[0]["digest"]
    inspected = command("inspect", archive, "--json")
    assert json.loads(inspected.stdout)["digest"] == built[0]["digest"]
    with tarfile.open(archive) as tar:
        for_docker = json.load(tar.extractfile("manifest.json"))[0]
        assert for_docker["RepoTags"] == ["tripled:1"]
        assert {for_docker["Config"], *for_docker["Layers"]} <= set(tar.getnames())


@pytest.mark.slow
def test_an_image_is_inspected_by_layer_and_by_package(
    built: tuple[dict[str, Any], Path], command: Any, registry: DockerRegistryUnderTest
) -> None:
    by_place = [command("inspect", place, "--json").stdout for place in (built[0]["reference"], built[1])]
    assert by_place[0] == by_place[1]
    report = json.loads(by_place[0])
    assert report["platform"] == HERE
    assert report["size_bytes"] == built[0]["size_bytes"]
    assert [layer["kind"] for layer in report["layers"]] == ["base", "dependencies", "code"]
    assert report["labels"]["clipper-sls.model"] == "tripled"
    names = [package["name"] for package in report["packages"]]
    assert names[0].startswith("numpy ")
    assert "tinypackage 1.0" in names
    shown = command("inspect", f"{registry.host}/tripled:1")
    assert "dependencies" in shown.stdout
    assert "tinypackage 1.0" in shown.stdout


@pytest.mark.slow
def test_mistakes_are_told_before_anything_is_sent(command: Any, base: str, registry: DockerRegistryUnderTest) -> None:
    absent = f"{registry.host}/absent:1"
    for arguments, code, said in (
        (_build(base), 2, "--push REF, or --output"),
        (_build(base, "--push", "Not A Name"), 2, "is not the name of an image"),
        (_build(base, "--push", absent, "--platform", "windows/amd64"), 2, "linux/amd64, linux/arm64"),
        (_build(absent, "--push", absent), 3, f"There is no image {absent}"),
        (_build(base, "--push", absent, "--package", "absent-package==1"), 1, "absent-package"),
        (("inspect", absent, "--json"), 3, absent),
        (("inspect", "train.py", "--json"), 2, "is no archive of an image"),
        (("inspect", ".", "--json"), 2, "is no OCI image layout"),
    ):
        done = command(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert said in json.loads(done.stderr)["error"]
