"""The management function: Clipper's management API over functions of Lambda."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clipper_sls.testing.stack_function import StackFunctionUnderTest, stack_function
from clipper_sls.testing.stack_resources import StackUnderTest

SHOP = {"name": "shop", "input_type": "doubles", "default_output": "none", "latency_slo_micros": 5_000_000}


@pytest.fixture(scope="module")
def management(stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackFunctionUnderTest]:
    log = tmp_path_factory.mktemp("management") / "log"
    addresses = {"CLIPPER_SLS_QUERY_URL": "https://query", "CLIPPER_SLS_MANAGEMENT_URL": "https://management"}
    with stack_function("management", stack.environment | addresses, log=log) as function:
        yield function


@pytest.fixture
def manage(management: StackFunctionUnderTest, http_api):
    """`manage(operation, body)`."""
    return lambda operation, body=None: http_api(
        management, "POST", f"/admin/{operation}", body or {}, {"content-type": "application/json"}
    )


def test_it_tells_where_the_stack_is(management: StackFunctionUnderTest, http_api, stack: StackUnderTest) -> None:
    status = http_api(management, "GET", "/admin/get_status").json()
    assert (status["query"], status["management"]) == ("https://query", "https://management")
    assert (status["cluster_name"], status["models"]) == (stack.names.stack, 1)


def test_what_it_registers_the_query_function_answers(manage, ask) -> None:
    assert manage("add_app", SHOP).status == 200
    assert manage("add_model_links", {"app_name": "shop", "model_names": ["sum"]}).status == 200
    answer = ask("POST", "/shop/predict", {"input": [1.0, 1.0]})
    assert (answer.status, answer.json()["output"]) == (200, 2.0)


def test_what_was_registered_is_told_by_any_environment(
    manage, stack: StackUnderTest, tmp_path: Path, http_api
) -> None:
    manage("add_app", SHOP | {"name": "told"})
    with stack_function("management", stack.environment, log=tmp_path / "log") as other:
        told = http_api(other, "POST", "/admin/get_all_applications", {"verbose": False}).json()
    assert "told" in told


def test_an_error_is_clippers_text_and_our_code(manage) -> None:
    answer = manage("get_application", {"name": "Not A Name"})
    assert answer.status in (200, 400)
    answer = manage("add_app", SHOP | {"name": "Not A Name"})
    assert (answer.status, answer.headers["x-clipper-error-code"]) == (400, "invalid_name")


def test_a_stack_is_not_ended_over_http(manage) -> None:
    answer = manage("shutdown")
    assert (answer.status, answer.headers["x-clipper-error-code"]) == (403, "forbidden")


def test_who_comes_from_a_gateway_is_let_in_whatever_the_host(management: StackFunctionUnderTest, http_api) -> None:
    answer = http_api(management, "GET", "/admin/ping", headers={"host": "abc.execute-api.us-east-1.amazonaws.com"})
    assert (answer.status, answer.body) == (200, b"PONG")


def test_without_its_table_it_says_so(stack: StackUnderTest, tmp_path: Path, http_api) -> None:
    environment = stack.environment | {"CLIPPER_SLS_STACK_NAME": "nowhere"}
    with stack_function("management", environment, log=tmp_path / "log") as function:
        answer = http_api(function, "POST", "/admin/get_all_applications", {"verbose": False})
    assert (answer.status, answer.headers["x-clipper-error-code"]) == (503, "store_unavailable")
