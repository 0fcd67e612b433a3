"""Options of serving look like arguments of each method that takes them, and are checked before anything is packed."""

import inspect
import pydoc

import pytest

from clipper_sls.deployers import python as python_deployer
from clipper_sls.domain.serving_options import DEFAULTS
from clipper_sls.errors import InvalidSettingError, UnconnectedError
from clipper_sls.sdk import ClipperConnection, LocalContainerManager

TAKERS = [
    ClipperConnection.build_and_deploy_model,
    ClipperConnection.deploy_model,
    ClipperConnection.deploy_bundle,
    ClipperConnection.register_model,
    python_deployer.deploy_python_closure,
    python_deployer.create_endpoint,
]


@pytest.mark.parametrize("function", TAKERS, ids=lambda function: function.__name__)
def test_every_option_is_an_argument_by_name_and_is_explained(function) -> None:
    parameters = inspect.signature(function).parameters
    shown = {name: parameters[name] for name in DEFAULTS}
    assert {name: parameter.default for name, parameter in shown.items()} == DEFAULTS
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in shown.values())
    assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    text = pydoc.render_doc(function, renderer=pydoc.plaintext)
    assert all(f"{name}: " in text for name in DEFAULTS)
    assert inspect.getdoc(function).splitlines()[0].endswith((".", ","))


CALLS = [
    lambda connection, **given: connection.register_model("m", 1, "doubles", **given),
    lambda connection, **given: connection.deploy_model("m", 1, "doubles", "image", **given),
    lambda connection, **given: python_deployer.deploy_python_closure(connection, "m", 1, "doubles", len, **given),
    lambda connection, **given: python_deployer.create_endpoint(connection, "m", "doubles", len, **given),
]


@pytest.fixture
def unconnected() -> ClipperConnection:
    return ClipperConnection(LocalContainerManager())


@pytest.mark.parametrize("call", CALLS)
def test_an_option_is_checked_before_anything_is_sent(unconnected, call) -> None:
    with pytest.raises(TypeError, match="Did you mean 'batching'"):
        call(unconnected, batchin="quantile")
    with pytest.raises(InvalidSettingError, match="give one of them"):
        call(unconnected, batching="quantile", batch_size=5)
    with pytest.raises(UnconnectedError):
        call(unconnected, batching="quantile")
