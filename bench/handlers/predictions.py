"""Processor time of one prediction through the handler: from API Gateway's event to the answer for it.

Table, registry and model are in MiniStack, in processes of their own, so that only ours is counted.
"""

import contextlib
import io
import itertools
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clipper_sls.bootstrap.aws.query import query_handler
from clipper_sls.domain.changes import Put
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Switch
from clipper_sls.testing.ministack import ministack
from clipper_sls.testing.stack_resources import StackUnderTest

SUM = ModelId.of("sum", 1)
WARM_UP = 20
ROW = [0.5] * 64


class Context:
    """As Lambda makes it."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def predictions(folder: Path, rounds: int, calls: int) -> Mapping[str, list[float]]:
    """Microseconds of this process's processor time for one prediction, in each round, by kind."""
    with ministack(folder) as server:
        stack = StackUnderTest(server.url, StackNames("bench"))
        _fill(stack)
        handler = query_handler(stack.environment)
        numbers = itertools.count()

        def miss() -> None:
            _ask(handler, [float(next(numbers)), *ROW])

        def hit() -> None:
            _ask(handler, [-1.0, *ROW])

        used: dict[str, list[float]] = {"cache miss": [], "cache hit": []}
        with contextlib.redirect_stdout(io.StringIO()):  # lines of metrics
            for call in (miss, hit):
                _times(call, WARM_UP)
            for _ in range(rounds):
                used["cache miss"].append(_times(miss, calls))
                used["cache hit"].append(_times(hit, calls))
    return used


def _fill(stack: StackUnderTest) -> None:
    stack.create()
    application = Application(AppName("digits"), InputType.DOUBLES, "none", 20_000_000)
    version = ModelVersion(SUM, InputType.DOUBLES, bundle_digest="a" * 64, function=stack.add_model(SUM))
    current = Current(SUM.name, (Switch(SUM.version, 0.0),))
    stack.register([Put(one) for one in (application, version, Link(application.name, SUM.name), current)])


def _ask(handler: Callable[[Any, Any], Any], row: list[float]) -> None:
    answer = handler(_event(json.dumps({"input": row})), Context())
    assert json.loads(answer["body"])["output"] == sum(row), answer


def _event(body: str) -> dict[str, Any]:
    """As an HTTP API sends it, with what a browser's or a client's request has of headers."""
    return {
        "version": "2.0",
        "routeKey": "POST /{application}/predict",
        "rawPath": "/digits/predict",
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "accept-encoding": "gzip, deflate",
            "content-length": str(len(body)),
            "content-type": "application/json",
            "host": "abcdefghij.execute-api.us-east-1.amazonaws.com",
            "user-agent": "python-httpx2/2.16.2",
            "x-amzn-trace-id": "Root=1-5c536348-3d683b8b04734faae651f476",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "abcdefghij",
            "domainName": "abcdefghij.execute-api.us-east-1.amazonaws.com",
            "http": {
                "method": "POST",
                "path": "/digits/predict",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "python-httpx2/2.16.2",
            },
            "requestId": "id",
            "routeKey": "POST /{application}/predict",
            "stage": "$default",
            "timeEpoch": 1583348638390,
        },
        "pathParameters": {"application": "digits"},
        "body": body,
        "isBase64Encoded": False,
    }


def _times(call: Callable[[], None], calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - began) / calls * 1e6
