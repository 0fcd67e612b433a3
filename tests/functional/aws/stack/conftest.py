"""The functions of a stack, run by AWS' own runtime client over MiniStack; and events as AWS sends them."""

import base64
import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.changes import Put
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Switch
from clipper_sls.testing.ministack import MiniStackUnderTest
from clipper_sls.testing.stack_function import StackFunctionUnderTest, stack_function
from clipper_sls.testing.stack_resources import StackUnderTest

EVENTS = Path(__file__).parents[3] / "events"
SUM = ModelId.of("sum", 1)
DIGITS = Application(AppName("digits"), InputType.DOUBLES, "none", 20_000_000)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Front:
    """One way of a request to a function: the event of `file`, with another request in it."""

    file: str
    stage: str = "$default"
    is_base64: bool = False

    def event(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Any:
        event = copy.deepcopy(json.loads((EVENTS / self.file).read_text()))
        event["body"] = base64.b64encode(body).decode() if self.is_base64 else body.decode()
        event["isBase64Encoded"] = self.is_base64
        self._add(event, headers or {})
        context = event["requestContext"]
        if event.get("version") == "2.0":
            staged = path if self.stage == "$default" else f"/{self.stage}{path}"
            context["stage"], event["rawPath"], event["rawQueryString"] = self.stage, staged, ""
            context["http"] |= {"method": method, "path": staged}
        else:
            event |= {"httpMethod": method, "path": path}
        return event

    def _add(self, event: Any, headers: Mapping[str, str]) -> None:
        if "headers" in event:
            event["headers"] |= headers
        if "multiValueHeaders" in event:
            event["multiValueHeaders"] |= {name: [value] for name, value in headers.items()}


FRONTS = {
    "http-api": Front("apiGatewayProxyV2Event.json"),
    "http-api-with-a-stage": Front("apiGatewayProxyV2Event.json", stage="prod"),
    "http-api-in-base64": Front("apiGatewayProxyV2Event.json", is_base64=True),
    "http-api-by-iam": Front("apiGatewayProxyV2IamEvent.json"),
    "rest-api": Front("apiGatewayProxyEvent.json"),
    "function-url": Front("lambdaFunctionUrlEvent.json", is_base64=True),
    "load-balancer": Front("albEvent.json"),
    "load-balancer-with-many-values": Front("albMultiValueHeadersEvent.json"),
}


@pytest.fixture(params=FRONTS.values(), ids=FRONTS)
def front(request: pytest.FixtureRequest) -> Front:
    return request.param


@pytest.fixture(scope="module")
def stack(shared_ministack: MiniStackUnderTest, request: pytest.FixtureRequest) -> StackUnderTest:
    """With an application that asks a model, and others that tests add."""
    module = request.module.__name__.rpartition(".")[2].removeprefix("test_").replace("_", "-")
    stack = StackUnderTest(shared_ministack.url, StackNames(f"s-{module}"[:32]))
    stack.create()
    version = ModelVersion(SUM, InputType.DOUBLES, bundle_digest="a" * 64, function=stack.add_model(SUM))
    stack.register(
        [
            Put(DIGITS),
            Put(version),
            Put(Link(DIGITS.name, SUM.name)),
            Put(Current(SUM.name, (Switch(SUM.version, 0.0),))),
        ]
    )
    return stack


@pytest.fixture(scope="module")
def query(stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackFunctionUnderTest]:
    log = tmp_path_factory.mktemp("query") / "log"
    with stack_function("query", stack.environment, log=log) as function:
        yield function


Ask = Callable[..., Answer]


def _ask(
    function: StackFunctionUnderTest,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    front: Front = FRONTS["http-api"],
) -> Answer:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return _answer(function.ask(front.event(method, path, content, headers)))


@pytest.fixture
def http_api() -> Ask:
    """Any function: `http_api(function, method, path, body, headers)`."""
    return _ask


@pytest.fixture
def ask(query: StackFunctionUnderTest) -> Ask:
    """The query function: `ask(method, path, body, headers, front=...)`."""
    return partial(_ask, query)


def _answer(told: Any) -> Answer:
    body = told["body"]
    content = base64.b64decode(body) if told["isBase64Encoded"] else body.encode()
    many = {name: values[0] for name, values in (told.get("multiValueHeaders") or {}).items()}
    return Answer(told["statusCode"], {**many, **(told.get("headers") or {})}, content)


@pytest.fixture
def http_api_event() -> Callable[..., Any]:
    """An event of an HTTP API: `http_api_event(method, path, body)`."""
    return lambda method, path, body: FRONTS["http-api"].event(method, path, json.dumps(body).encode())
