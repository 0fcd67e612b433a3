"""The one test of images in the quick suite: built without Docker, run by a container engine, asked over HTTP."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.bootstrap.images import image_builder, image_context
from clipper_sls.domain.bundle import SUM_ENTRY
from clipper_sls.domain.image.references import Reference
from clipper_sls.packaging.bundling import bundle_builtin
from clipper_sls.packaging.signing import Signer
from clipper_sls.testing.docker_engine import DockerEngineUnderTest
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.python_base import PLATFORM, push_python_base

LIMIT_S = 90


def test_an_image_that_was_made_without_docker_runs_in_a_container(
    registry: DockerRegistryUnderTest,
    containers: DockerEngineUnderTest,
    wheels: dict[str, str],
    answer_over_http: Callable[[str], Any],
    rows: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in wheels.items():
        monkeypatch.setenv(name, value)
    base = push_python_base(Reference.parse(f"{registry.host}/python:1"), tmp_path / "base")
    bundle = tmp_path / "bundle"
    bundle_builtin(SUM_ENTRY, name="sum", version="1", input_type="doubles", destination=bundle)
    signer = Signer(tmp_path / "key.pem").sign(bundle)
    context = image_context(bundle, str(base), str(PLATFORM), tmp_path / "runtime", signer)
    with image_builder(LIMIT_S, kept=tmp_path / "kept") as builder:
        pushed = builder.push(builder.build(context), Reference.parse(f"{registry.host}/sum:1"))
    result = answer_over_http(containers.pull(str(pushed)))
    assert result["errors"] == []
    assert [float(output) for output in result["outputs"]] == pytest.approx([float(row.sum()) for row in rows])
