"""With tracing on, an invocation adds a subsegment to its trace, which a daemon beside the function takes by UDP."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.testing.stack_function import stack_function
from clipper_sls.testing.stack_resources import StackUnderTest

ROOT_ID, PARENT_ID = "1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8"


@pytest.fixture
def daemon() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(30)
        yield daemon


def _segment(daemon: socket.socket) -> Any:
    header, _, content = daemon.recv(65_536).partition(b"\n")
    assert json.loads(header)["format"] == "json"
    return json.loads(content)


def test_a_subsegment_says_which_application_was_asked(
    stack: StackUnderTest, daemon: socket.socket, tmp_path: Path, http_api
) -> None:
    more = {
        "CLIPPER_SLS_TRACING": "on",
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
        "AWS_LAMBDA_FUNCTION_NAME": stack.names.query_function,
    }
    with stack_function("query", stack.environment | more, log=tmp_path / "log") as function:
        function.api.traces(f"Root={ROOT_ID};Parent={PARENT_ID};Sampled=1")
        answer = http_api(function, "POST", "/digits/predict", {"input": [1.0, 2.0]})
    assert answer.json()["output"] == 3.0
    segment = _segment(daemon)
    assert (segment["name"], segment["trace_id"], segment["parent_id"]) == ("request", ROOT_ID, PARENT_ID)
    assert segment["annotations"] == {"application": "digits"}
    assert segment["end_time"] > segment["start_time"]
