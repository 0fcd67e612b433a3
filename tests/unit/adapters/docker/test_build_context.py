import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from clipper_sls.adapters.docker.build_context import build_context
from clipper_sls.domain.bundle import FUNCTION_FILE, MANIFEST_NAME
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.contents import WEIGHT_BYTES
from clipper_sls.domain.image.references import Reference
from clipper_sls.packaging.runtime_images import runtime_image
from clipper_sls.testing.images import bundle_of, context_of

FILES = {"weights.bin": b"w" * WEIGHT_BYTES, f"modules/{'long/' * 40}shop.py": b"PRICE = 1\n", FUNCTION_FILE: b"pickle"}


@pytest.fixture
def context(tmp_path: Path) -> ImageContext:
    manifest = bundle_of(tmp_path / "bundle", FILES)
    base = Reference.parse("python:3.11-slim")
    return context_of(tmp_path / "bundle", manifest, base, ("-r/etc/passwd", "a; b=='$(c)'"), tmp_path / "runtime")


def _sent(context: ImageContext) -> bytes:
    return b"".join(build_context(context, runtime_image("python")))


def _read(context: ImageContext) -> tuple[dict[str, tarfile.TarInfo], dict[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(_sent(context))) as tar:
        members = {member.name: member for member in tar}
        return members, {name: tar.extractfile(name).read() for name, member in members.items() if member.isfile()}  # type: ignore[union-attr]


def test_it_holds_the_bundle_by_how_seldom_it_changes(context: ImageContext) -> None:
    _, files = _read(context)
    assert files["weights/weights.bin"] == FILES["weights.bin"]
    code = {name.removeprefix("code/"): content for name, content in files.items() if name.startswith("code/")}
    assert code.pop(MANIFEST_NAME) == context.manifest.to_json()
    assert code == {name: content for name, content in FILES.items() if name != "weights.bin"}


def test_it_holds_the_dockerfile_its_scripts_and_our_sources(context: ImageContext) -> None:
    _, files = _read(context)
    assert files["Dockerfile"] == (runtime_image("python") / "Dockerfile").read_bytes()
    assert {"build/install.py", "build/compile.py", "build/pip.conf"} <= files.keys()
    for folder in ("runtime", "server"):
        assert f"sources/opt/clipper/{folder}/clipper_sls/runtime/__main__.py" in files


def test_names_of_packages_are_data(context: ImageContext) -> None:
    members, files = _read(context)
    layer = json.loads(files["build/packages.json"])
    assert layer["packages"] == list(context.packages)
    assert b"$(c)" not in files["Dockerfile"]
    assert all(member.isfile() or member.isdir() for member in members.values())


def test_a_folder_is_there_even_if_nothing_is_in_it(context: ImageContext, tmp_path: Path) -> None:
    manifest = bundle_of(tmp_path / "small", {})
    members, _ = _read(replace(context, bundle=tmp_path / "small", manifest=manifest))
    assert members["weights"].isdir()


def test_equal_contexts_are_equal_bytes_whenever_they_are_sent(context: ImageContext) -> None:
    before = _sent(context)
    (context.bundle / FUNCTION_FILE).touch()
    assert _sent(context) == before


def test_which_python_is_needed_is_told_only_for_what_was_pickled(context: ImageContext) -> None:
    assert json.loads(_read(context)[1]["build/packages.json"])["python"] is None
    pickled = replace(context.manifest, entry=f"closure:{FUNCTION_FILE}")
    files = _read(replace(context, manifest=pickled))[1]
    assert json.loads(files["build/packages.json"])["python"] == "3.11"
