"""A package that only some need is asked for when it is needed, with the command that installs it."""

import pytest

from clipper_sls.deployers.extras import needing
from clipper_sls.errors import InvalidSettingError


def test_a_missing_package_is_named_with_what_installs_it():
    with (
        pytest.raises(
            InvalidSettingError, match=r"needs the module 'no_such_framework'.*pip install 'clipper-sls\[onnx\]'"
        ),
        needing("onnx"),
    ):
        import no_such_framework  # noqa: F401


def test_other_errors_come_through():
    with pytest.raises(ValueError, match="unrelated"), needing("onnx"):
        raise ValueError("unrelated")
