"""From a function to an image to answers: the command, a real registry, and the replica that the image starts."""

import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.inputs import InputType
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.images import PulledImage
from clipper_sls.testing.runtime_api import Reply, runtime_api
from clipper_sls.testing.unpacked_image import UnpackedImage

Command = Callable[..., "subprocess.CompletedProcess[str]"]
BuildArguments = Callable[..., tuple[object, ...]]


@pytest.mark.slow
def test_the_replica_of_an_image_answers_with_nothing_but_what_is_in_the_image(
    built: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    import struct

    image = UnpackedImage(built[1], tmp_path)
    rows = [struct.pack("<2d", 1.0, 2.0), struct.pack("<2d", 0.5, 0.5)]
    with runtime_api() as api, image.start(AWS_LAMBDA_RUNTIME_API=api.address) as replica:
        try:
            reply = api.ask(pack_event(InputType.DOUBLES, rows))
        finally:
            replica.kill()
            log = replica.stdout.read() if replica.stdout else ""
    assert reply == Reply("response", {"outputs": [9.0, 3.0], "errors": []}), log


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
    built: tuple[dict[str, Any], Path], command: Command, build_arguments: BuildArguments, tmp_path: Path
) -> None:
    archive = tmp_path / "image.tar"
    done = command(*build_arguments("--output", archive))
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
    built: tuple[dict[str, Any], Path], command: Command, registry: DockerRegistryUnderTest, here: Platform
) -> None:
    by_place = [command("inspect", place, "--json").stdout for place in (built[0]["reference"], built[1])]
    assert by_place[0] == by_place[1]
    report = json.loads(by_place[0])
    assert report["platform"] == here
    assert report["size_bytes"] == built[0]["size_bytes"]
    assert [layer["kind"] for layer in report["layers"]] == ["base", "server", "dependencies", "code"]
    assert report["labels"]["clipper-sls.model"] == "tripled"
    names = [package["name"] for package in report["packages"]]
    assert names[0].startswith("numpy ")
    assert "tinypackage 1.0" in names
    other = Platform.ARM64 if here is Platform.AMD64 else Platform.AMD64
    refused = command("inspect", f"{registry.host}/tripled:1", "--platform", other)
    assert (refused.returncode, f"there is none for {other}" in refused.stderr) == (3, True), refused.stderr
    shown = command("inspect", f"{registry.host}/tripled:1")
    assert "dependencies" in shown.stdout
    assert "tinypackage 1.0" in shown.stdout


@pytest.mark.slow
def test_mistakes_are_told_before_anything_is_sent(
    command: Command, build_arguments: BuildArguments, registry: DockerRegistryUnderTest
) -> None:
    absent = f"{registry.host}/absent:1"
    for arguments, code, said in (
        (build_arguments(), 2, "--push REF, or --output"),
        (build_arguments("--push", "Not A Name"), 2, "is not the name of an image"),
        (build_arguments("--push", absent, "--platform", "windows/amd64"), 2, "linux/amd64, linux/arm64"),
        (build_arguments("--push", absent, base=absent), 3, f"There is no image {absent}"),
        (build_arguments("--push", absent, "--package", "absent-package==1"), 1, "absent-package"),
        (build_arguments("--push", absent, "--max-size-bytes", "1000"), 1, "over its budget of 0.0 MB"),
        (("inspect", absent, "--json"), 3, absent),
        (("inspect", "train.py", "--json"), 2, "is no archive of an image"),
        (("inspect", "absent.tar", "--json"), 3, "There is no folder or archive absent.tar"),
        (("inspect", "/absent/digits", "--json"), 3, "There is no folder or archive /absent/digits"),
        (("inspect", ".", "--json"), 2, "is no OCI image layout"),
    ):
        done = command(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert said in json.loads(done.stderr)["error"]
