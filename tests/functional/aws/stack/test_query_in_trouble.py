"""The query function, when what it needs is slow or away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.changes import Put
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Switch
from clipper_sls.testing.ministack import MiniStackUnderTest
from clipper_sls.testing.stack_function import StackFunctionUnderTest, stack_function
from clipper_sls.testing.stack_resources import StackUnderTest

CLOCK = SystemClock()
SLOW = ModelId.of("slow", 1)
SLOW_S = 3.0
SLOW_CODE = f"""
import time

def handler(event, context):
    time.sleep({SLOW_S})
    return {{"outputs": [1.0] * len(event["lengths"]), "errors": []}}
"""


@pytest.fixture(scope="module")
def slow(stack: StackUnderTest) -> str:
    """An application of 20 s that asks a model of 3 s."""
    application = Application(AppName("patient"), InputType.DOUBLES, "none", 20_000_000)
    version = ModelVersion(SLOW, InputType.DOUBLES, bundle_digest="b" * 64, function=stack.add_model(SLOW, SLOW_CODE))
    current = Current(SLOW.name, (Switch(SLOW.version, 0.0),))
    stack.register([Put(one) for one in (application, version, Link(application.name, SLOW.name), current)])
    return "/patient/predict"


def test_an_answer_comes_before_lambda_ends_the_invocation(ask, query: StackFunctionUnderTest, slow: str) -> None:
    """Neither the objective nor the model would have ended it so soon."""
    query.api.ends_at(CLOCK.wall() + 1.5)
    answer = ask("POST", slow, {"input": [1.0]})
    query.api.ends_at()
    assert (answer.status, answer.json()["default_reason"]) == (200, "timed_out")


def test_a_change_is_seen_without_a_restart(ask, stack: StackUnderTest) -> None:
    path, seen = "/later/predict", 404
    assert ask("POST", path, {"input": [1.0]}).status == 404
    stack.register([Put(Application(AppName("later"), InputType.DOUBLES, "none", 1_000_000))])
    give_up = CLOCK.now() + 30
    while seen == 404 and CLOCK.now() < give_up:
        seen = ask("POST", path, {"input": [1.0]}).status
    assert seen == 200


class TestWithoutTables:
    @pytest.fixture
    def lonely(self, shared_ministack: MiniStackUnderTest) -> StackUnderTest:
        return StackUnderTest(shared_ministack.url, StackNames("s-lonely"))

    @pytest.fixture
    def function(self, lonely: StackUnderTest, tmp_path: Path) -> Iterator[StackFunctionUnderTest]:
        with stack_function("query", lonely.environment, log=tmp_path / "log") as function:
            yield function

    def test_a_function_that_never_read_the_registry_says_so(self, function: StackFunctionUnderTest, http_api) -> None:
        answer = http_api(function, "POST", "/digits/predict", {"input": [1.0]})
        assert (answer.status, answer.json()["code"]) == (503, "store_unavailable")
        assert http_api(function, "GET", "/readyz").status == 503


def test_the_registry_deleted_under_way_stops_nothing(
    stack: StackUnderTest, shared_ministack: MiniStackUnderTest, tmp_path: Path, http_api
) -> None:
    with stack_function("query", stack.environment, log=tmp_path / "log") as function:
        assert http_api(function, "POST", "/digits/predict", {"input": [1.0]}).json()["output"] == 1.0
        stack.client("dynamodb").delete_table(TableName=stack.names.registry_table)
        give_up = CLOCK.now() + 3
        while CLOCK.now() < give_up:
            answer = http_api(function, "POST", "/digits/predict", {"input": [2.0]})
            assert (answer.status, answer.json()["output"]) == (200, 2.0)
