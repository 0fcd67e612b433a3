"""Clipper's way of working, on AWS on this machine."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LambdaContainerManager
from clipper_sls.aws_errors import AwsResourceAbsentError
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.domain.identifiers import ModelName
from clipper_sls.errors import (
    InvalidSettingError,
    ModelStartError,
    UnsupportedImageError,
    VersionContentError,
    VersionExistsError,
)
from clipper_sls.testing.local_aws import LocalAwsUnderTest

SLO_MICROS = 20_000_000
_inputs = count(1)


def times(factor: int) -> Callable[[Any], list[float]]:
    return lambda inputs: [factor * float(sum(values)) for values in inputs]


def _deploy(connection: ClipperConnection, version: int, **options: Any) -> None:
    deploy_python_closure(connection, "m", version, "doubles", times(version), **options)


def _ask(stack: LocalAwsUnderTest, version: str | None = None) -> Any:
    """By what the model multiplies an input that no cache knows."""
    number = next(_inputs)
    body = {"input": [number], **({"version": version} if version else {})}
    answer = httpx2.post(f"{stack.query}/app/predict", json=body, timeout=60, trust_env=False, verify=False)
    return answer.json()["output"] / number


@pytest.fixture
def application(connection: ClipperConnection) -> ClipperConnection:
    """Two versions, the second one current, linked to `app`."""
    for version in (1, 2):
        _deploy(connection, version)
    connection.register_application("app", "doubles", "none", SLO_MICROS)
    connection.link_model_to_app("app", "m")
    return connection


def test_a_function_in_a_few_lines_is_in_production_versioned_and_rolled_back(
    stack: LocalAwsUnderTest, application: ClipperConnection
) -> None:
    assert _ask(stack) == 2
    assert _ask(stack, "1") == 1
    assert application.rollback("m") == "1"
    assert _ask(stack) == 1
    application.set_model_version("m", 2)
    assert _ask(stack) == 2
    assert application.get_current_model_version("m") == "2"


class Unloadable:
    """Its packages are all there, and it does not load."""

    def setup(self) -> None:
        raise RuntimeError("the weights are not here")

    def predict(self, inputs: list[Any]) -> list[float]:
        return [0.0 for _ in inputs]


def test_a_model_that_does_not_load_is_refused_and_the_one_before_goes_on(
    stack: LocalAwsUnderTest, application: ClipperConnection
) -> None:
    with pytest.raises(ModelStartError, match="the weights are not here"):
        deploy_python_closure(application, "m", 3, "doubles", Unloadable())
    assert application.get_current_model_version("m") == "2"
    assert _ask(stack) == 2.0


def test_a_canary_gets_its_share_by_the_aliass_weights(
    stack: LocalAwsUnderTest, application: ClipperConnection
) -> None:
    assert application.set_traffic("m", 1, 50) == {"2": 50.0, "1": 50.0}
    answers = [_ask(stack) for _ in range(60)]
    assert set(answers) == {1, 2}
    assert 10 < answers.count(1) < 50
    assert application.set_traffic("m", 1, 0) == {"2": 100.0}
    assert {_ask(stack) for _ in range(5)} == {2}


def test_the_same_version_again_changes_nothing_and_another_under_its_name_is_refused(
    application: ClipperConnection,
) -> None:
    with pytest.raises(VersionExistsError):
        _deploy(application, 1)
    with pytest.raises(VersionContentError, match="other content"):
        deploy_python_closure(application, "m", 1, "doubles", times(9))
    larger = ClipperConnection(LambdaContainerManager(application.cm.cluster_name, memory_mib=1024))
    larger.connect()
    with pytest.raises(VersionContentError, match="memory_mib"):
        _deploy(larger, 1)


def test_replicas_are_kept_ready_and_limited(stack: LocalAwsUnderTest, application: ClipperConnection) -> None:
    assert application.get_num_replicas("m") == 0
    application.set_num_replicas("m", 2)
    assert application.get_num_replicas("m") == 2
    (pool,) = application.get_replica_status("m", 2)
    assert (pool["health"], pool["ready_replicas"]) == ("healthy", 2)
    _deploy(application, 3, min_replicas=1, max_replicas=5)
    function = stack.clients.functions.get_function(FunctionName=stack.names.function(ModelName("m")))
    assert function["Concurrency"]["ReservedConcurrentExecutions"] == 5
    assert application.get_num_replicas("m") == 1


def test_what_build_model_made_is_deployed_and_what_is_not_here_is_refused(
    connection: ClipperConnection, tmp_path: Any
) -> None:
    image = connection.build_model("noop", 1, str(tmp_path), "clipper/noop-container:develop")
    connection.deploy_model("noop", 1, "doubles", image)
    assert connection.get_model_info("noop", 1)["function"]["alias"] == "v-1"
    with pytest.raises(UnsupportedImageError, match="neither on this machine"):
        connection.deploy_model("other", 1, "doubles", "image:1")


def test_a_version_that_is_stopped_leaves_nothing_and_stop_all_leaves_the_stack(
    stack: LocalAwsUnderTest, application: ClipperConnection
) -> None:
    functions = stack.clients.functions
    application.stop_versioned_models({"m": [1]})
    aliases = functions.list_aliases(FunctionName=stack.names.function(ModelName("m")))["Aliases"]
    assert {alias["Name"]: alias["FunctionVersion"] for alias in aliases} == {"current": "2", "v-2": "2"}
    application.stop_all()
    names = {one["FunctionName"] for one in functions.list_functions()["Functions"]}
    assert not {name for name in names if name.startswith(f"{stack.names.stack}-model-")}
    application.connect()
    assert (application.get_all_apps(), application.get_all_models()) == ([], [])


def test_what_functions_printed_comes_from_cloudwatch_by_version(
    stack: LocalAwsUnderTest, application: ClipperConnection, tmp_path: Path
) -> None:
    logs, group = stack.clients.logs, f"/aws/lambda/{stack.names.function(ModelName('m'))}"
    for number, text in (("1", "first"), ("2", "second")):
        where = {"logGroupName": group, "logStreamName": f"2026/11/26/[{number}]{number}"}
        logs.create_log_stream(**where)
        logs.put_log_events(**where, logEvents=[{"timestamp": 1_790_000_000_000, "message": f"{text}\n"}])
    found = application.cm.management.get_logs("m", "2")
    assert [(log["model_version"], log["text"]) for log in found] == [("2", "second")]
    paths = application.get_clipper_logs(str(tmp_path))
    assert {Path(path).read_text() for path in paths} == {"first", "second"}


def test_inspecting_shows_the_stack_and_its_models(stack: LocalAwsUnderTest, application: ClipperConnection) -> None:
    shown = application.inspect_instance()
    assert shown["cluster_name"] == stack.names.stack
    assert [(pool["model_version"], pool["health"]) for pool in shown["pools"]] == [("1", "asleep"), ("2", "asleep")]


def test_starting_connects_and_says_how_a_stack_is_made(stack: LocalAwsUnderTest) -> None:
    connection = ClipperConnection(LambdaContainerManager(stack.names.stack))
    connection.start_clipper()
    assert f"http://{connection.get_query_addr()}" == stack.query
    with pytest.raises(AwsResourceAbsentError, match="sam deploy --guided --stack-name nowhere"):
        ClipperConnection(LambdaContainerManager("nowhere")).connect()


def test_a_version_cannot_be_off_alone(application: ClipperConnection) -> None:
    with pytest.raises(InvalidSettingError, match="min_replicas=0"):
        _deploy(application, 4, min_replicas=0, max_replicas=0)
