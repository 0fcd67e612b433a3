"""What an image says of where it comes from, and with what it is refused."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from clipper_sls.domain.bundle import SIGNATURE_FILE, Manifest
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.trust import parse_keys, verified_statement
from clipper_sls.testing.images import PulledImage
from clipper_sls.testing.runtime_api import Reply, runtime_api
from clipper_sls.testing.unpacked_image import UnpackedImage

Command = Callable[..., "subprocess.CompletedProcess[str]"]
BuildArguments = Callable[..., tuple[object, ...]]
Built = tuple[dict[str, Any], Path]

EVENT = pack_event(InputType.DOUBLES, [bytes(16)])
pytestmark = pytest.mark.slow


def _asked(image: UnpackedImage, **more: str) -> Reply:
    """What its replica replies to EVENT, or instead of that."""
    with runtime_api() as api, image.start(AWS_LAMBDA_RUNTIME_API=api.address, **more) as process:
        try:
            return api.ask(EVENT)
        finally:
            process.kill()


@pytest.fixture
def pulled(built: Built) -> PulledImage:
    return PulledImage(Reference.parse(built[0]["reference"]))


def test_an_image_carries_who_has_signed_it_and_the_state_of_the_code(built: Built, pulled: PulledImage) -> None:
    labels = pulled.config.config.labels or {}
    assert built[0]["signed_by"] == labels["clipper-sls.signed-by"] == pulled.variables["CLIPPER_TRUSTED_KEYS"]
    assert built[0]["bundle_digest"] == labels["clipper-sls.bundle-digest"]
    files = pulled.files()
    manifest = Manifest.from_json(files["opt/clipper/bundle/manifest.json"])
    signature = files[f"opt/clipper/bundle/{SIGNATURE_FILE}"]
    statement = verified_statement(signature, manifest, parse_keys(built[0]["signed_by"]))
    assert statement.subject == "tripled:1"
    assert labels.get("org.opencontainers.image.revision", "") == statement.revision


def test_the_bill_of_materials_can_be_read_and_lists_what_is_installed(
    built: Built, command: Command, pulled: PulledImage
) -> None:
    shown = [command("inspect", "--sbom", place).stdout for place in (built[0]["reference"], built[1])]
    assert shown[0] == shown[1]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(shown[0]) is None
    parts = json.loads(shown[0])["components"]
    listed = {
        (layer["value"], part["name"], part["version"])
        for part in parts
        for layer in part.get("properties", ())
        if part["name"] != "clipper-sls"
    }
    infos = [path for path in pulled.files() if path.endswith(".dist-info/METADATA")]
    assert len(listed) == len(infos)
    (tiny,) = [part for part in parts if part["name"] == "tinypackage"]
    assert len(tiny["hashes"][0]["content"]) == 64


@pytest.mark.parametrize("tampered", ["signature", "keys", "nothing"])
def test_the_replica_of_an_image_refuses_what_its_keys_have_not_signed(
    built: Built, tmp_path: Path, tampered: str
) -> None:
    unpacked = UnpackedImage(built[1], tmp_path)
    other = {}
    if tampered == "signature":
        path = tmp_path / "opt/clipper/bundle" / SIGNATURE_FILE
        path.write_bytes(path.read_bytes().replace(b'"sig":"', b'"sig":"AAAA'))
    if tampered == "keys":
        other["CLIPPER_TRUSTED_KEYS"] = "ed25519:" + "A" * 43 + "="
    reply = _asked(unpacked, **other)
    assert (reply.kind == "response") is (tampered == "nothing"), reply


def _built_by(
    user: str, folder: Path, project: Path, arguments: tuple[object, ...], variables: dict[str, str]
) -> dict[str, Any]:
    """What the command says to somebody else: in a folder of theirs, with nothing kept from builds before."""
    work = folder / user / "work"
    shutil.copytree(project, work)
    home = {"HOME": str(folder / user), "USER": user, "XDG_CACHE_HOME": str(folder / user / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "clipper_sls", "image", *map(str, arguments), "--output", folder / user / "image"],
        cwd=work,
        env={**variables, **home, "TZ": f"UTC-{len(user)}", "PYTHONHASHSEED": str(len(user))},
        umask=0o007 * (len(user) % 2),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_image_is_the_same_from_every_folder_user_and_time_zone(
    built: Built, build_arguments: BuildArguments, project: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    """With one key; with another one, all but the layer with the signature is."""
    ada = _built_by("ada", tmp_path, project, build_arguments(), variables)
    assert ada["digest"] == built[0]["digest"]
    other = {**variables, "CLIPPER_SLS_SIGNING_KEY": str(tmp_path / "key.pem")}
    robin = _built_by("robin", tmp_path, project, build_arguments(), other)
    assert robin["signed_by"] != ada["signed_by"]
    assert robin["bundle_digest"] == ada["bundle_digest"]
    layers = [_layers(tmp_path / user / "image") for user in ("ada", "robin")]
    assert layers[0][:-1] == layers[1][:-1]


def _layers(layout: Path) -> list[str]:
    blobs = layout / "blobs/sha256"
    index = json.loads((layout / "index.json").read_bytes())
    manifest = json.loads((blobs / index["manifests"][0]["digest"].removeprefix("sha256:")).read_bytes())
    return [layer["digest"] for layer in manifest["layers"]]


def test_an_unsigned_image_is_the_same_for_everybody_and_runs_where_it_is_allowed(
    command: Command, build_arguments: BuildArguments, tmp_path: Path
) -> None:
    digests = []
    for user in ("ada", "bob"):
        done = command(*build_arguments("--unsigned", "--output", tmp_path / user))
        assert done.returncode == 0, done.stderr
        digests.append(json.loads(done.stdout)["digest"])
    assert digests[0] == digests[1]
    assert json.loads(done.stdout)["signed_by"] is None
    unpacked = UnpackedImage(tmp_path / "ada", tmp_path / "root")
    assert "is not signed" in json.dumps(_asked(unpacked).value)
    assert _asked(unpacked, CLIPPER_ALLOW_UNSIGNED="1").value["outputs"] == [0.0]
