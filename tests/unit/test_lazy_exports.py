"""Names of the package are loaded on first use, and are what they are at home."""

import importlib
import pickle
import subprocess
import sys

import pytest

import clipper_sls

SDK_NAMES = sorted(set(clipper_sls.__all__) - {"__version__", "ClipperException"})


def _fresh(code: str) -> str:
    """What `code` prints in a process of its own, where nothing has been loaded yet."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("name", SDK_NAMES)
def test_a_name_is_the_very_object_of_the_sdk(name: str) -> None:
    assert getattr(clipper_sls, name) is getattr(importlib.import_module("clipper_sls.sdk"), name)


def test_whoever_catches_clippers_exception_catches_ours() -> None:
    from clipper_sls.errors import ClipperError, error_classes

    assert clipper_sls.ClipperException is ClipperError
    assert all(issubclass(cls, clipper_sls.ClipperException) for cls in error_classes())
    assert issubclass(clipper_sls.UnconnectedException, clipper_sls.ClipperException)


def test_the_first_name_may_be_any() -> None:
    for name in SDK_NAMES[:2] + SDK_NAMES[-1:]:
        assert _fresh(f"from clipper_sls import {name} as it; print(it is not None)") == "True"


def test_a_star_import_brings_all_of_them() -> None:
    code = "from clipper_sls import *; import clipper_sls; print(set(clipper_sls.__all__) <= set(globals()))"
    assert _fresh(code) == "True"


def test_asking_for_what_is_not_there_loads_nothing() -> None:
    code = "import sys, clipper_sls; print(hasattr(clipper_sls, 'Connection'), 'clipper_sls.sdk' in sys.modules)"
    assert _fresh(code) == "False False"


def test_listing_the_names_loads_nothing() -> None:
    code = "import sys, clipper_sls; print(len(dir(clipper_sls)), 'clipper_sls.sdk' in sys.modules)"
    assert _fresh(code) == f"{len(clipper_sls.__all__)} False"


def test_modules_of_the_package_are_still_found_as_attributes() -> None:
    assert _fresh("import clipper_sls.errors; print(clipper_sls.errors.ClipperError.code)") == "error"


def test_a_class_can_be_pickled_by_reference() -> None:
    assert pickle.loads(pickle.dumps(clipper_sls.ClipperConnection)) is clipper_sls.ClipperConnection
