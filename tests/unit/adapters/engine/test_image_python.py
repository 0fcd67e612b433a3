"""What a model's image has of its own."""

import sys
from pathlib import Path

import psutil
import pytest

from clipper_sls.adapters.engine.image_python import ImageBundle, ImagePython, container_memory_mib
from clipper_sls.domain.bundle import MANIFEST_NAME, NOOP_ENTRY, Manifest
from clipper_sls.errors import InvalidBundleError

MANIFEST = Manifest("m", "1", "doubles", NOOP_ENTRY, "3.11", "3.1.2")
MACHINE_MIB = psutil.virtual_memory().total >> 20


async def test_the_model_sees_all_variables_of_the_container_but_the_servers() -> None:
    image = ImagePython("/runtime:/packages", {"MODE": "fast", "CLIPPER_SERVER_PORT": "1", "CLIPPER_TRUSTED_KEYS": "k"})
    interpreter = await image.interpreter_for(MANIFEST)
    assert interpreter.python == Path(sys.executable)
    assert interpreter.python_path == "/runtime:/packages"
    assert interpreter.variables == {"MODE": "fast", "CLIPPER_TRUSTED_KEYS": "k"}


async def test_the_bundle_is_read_where_it_lies_and_stays(tmp_path: Path) -> None:
    bundle = ImageBundle(tmp_path)
    with pytest.raises(InvalidBundleError, match="no readable bundle"):
        bundle.read()
    (tmp_path / MANIFEST_NAME).write_bytes(MANIFEST.to_json())
    assert await bundle.manifest("") == MANIFEST
    await bundle.keep_only(set())
    assert bundle.path("") == tmp_path
    assert await bundle.manifest("") == MANIFEST


@pytest.mark.parametrize(
    ("limits", "expected_mib"),
    [(["268435456\n"], 256), (["max\n"], MACHINE_MIB), ([], MACHINE_MIB), (["9223372036854771712"], MACHINE_MIB)],
)
def test_memory_is_that_of_the_control_group_or_else_of_the_machine(
    tmp_path: Path, limits: list[str], expected_mib: int
) -> None:
    for number, text in enumerate(limits):
        (tmp_path / str(number)).write_text(text)
    assert container_memory_mib((tmp_path / "0", tmp_path / "1")) == expected_mib
