"""A prediction through the query function's own handler: from API Gateway's event to its answer.

The registry is in MiniStack, which the handler asks once a second; models are the stand-in's.
"""

import copy
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from bench.aws.predictions import VERSION
from clipper_sls.bootstrap.aws.query import query_handler
from clipper_sls.domain.changes import Put
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Current, Link, Switch
from clipper_sls.testing.ministack import ministack
from clipper_sls.testing.stack_resources import StackUnderTest

DIGITS = Application(AppName("digits"), InputType.DOUBLES, "none", 20_000_000)
EVENT = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/digits/predict",
    "rawQueryString": "",
    "headers": {
        "accept": "*/*",
        "content-type": "application/json",
        "host": "57934760.execute-api.us-east-1.amazonaws.com",
        "user-agent": "python-requests/2.32",
        "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
        "x-forwarded-for": "192.0.2.1",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    },
    "requestContext": {
        "accountId": "000000000000",
        "apiId": "57934760",
        "domainName": "57934760.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "57934760",
        "http": {
            "method": "POST",
            "path": "/digits/predict",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "python-requests/2.32",
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "$default",
        "stage": "$default",
        "time": "01/Jan/2026:00:00:00 +0000",
        "timeEpoch": 1767225600000,
    },
    "isBase64Encoded": False,
}


class _Context:
    aws_request_id = "5fea7756-0ea4-451a-a703-a558b933e274"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


@contextmanager
def handled(url: str) -> Iterator[dict[str, Callable[[], None]]]:
    """`url` is the stand-in's. What the handler logs goes to standard output, as on Lambda."""
    with tempfile.TemporaryDirectory() as folder, ministack(Path(folder)) as server:
        stack = StackUnderTest(server.url, StackNames("bench"))
        stack.create()
        current = Current(VERSION.id.name, (Switch(VERSION.id.version, 0.0),))
        stack.register([Put(DIGITS), Put(VERSION), Put(Link(DIGITS.name, VERSION.id.name)), Put(current)])
        handler = query_handler({**stack.environment, "AWS_ENDPOINT_URL_LAMBDA": url, "AWS_SESSION_TOKEN": "t" * 800})
        numbers = count()

        def ask(number: int) -> None:
            event: dict[str, Any] = copy.copy(EVENT)
            event["body"] = json.dumps({"input": [float(number)] * 64})
            answer = handler(event, _Context())
            assert answer["statusCode"] == 200
            assert '"default":false' in answer["body"].replace(" ", ""), answer["body"]

        ask(-1)
        yield {"cache miss, to Lambda": lambda: ask(next(numbers)), "cache hit": lambda: ask(-1)}
