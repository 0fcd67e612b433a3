"""The short way of a prediction: taken for the same paths as the documented route, and never without an answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.routing import compile_path
from starlette.types import Message, Receive, Scope, Send

from clipper_sls.http.answers import Answer
from clipper_sls.http.body import SenderLeftError
from clipper_sls.http.fast_path import PredictFastPath

DOCUMENTED = [compile_path(f"/{{application}}/predict{slash}")[0] for slash in ("", "/")]


@dataclass
class Routes:
    """Answers what a test wants, and remembers which application was asked."""

    reply: Callable[[], Answer] = lambda: Answer(200, b"{}")
    asked: list[str] = field(default_factory=list)
    has_jobs: bool = True

    def is_for_jobs(self, name: str, scope: Scope) -> bool:
        return not self.has_jobs

    async def answer(self, application: str, scope: Scope, receive: Receive) -> Answer:
        self.asked.append(application)
        return self.reply()


@dataclass
class Caller:
    """One request and what came of it."""

    routes: Routes
    passed_on: list[Scope] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)

    async def ask(self, path: str, method: str = "POST", kind: str = "http") -> None:
        scope = {"type": kind, "path": path, "method": method, "headers": []}
        await PredictFastPath(self._documented, self.routes)(scope, self._receive, self._send)

    async def _documented(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.passed_on.append(scope)

    async def _receive(self) -> Message:
        return {"type": "http.request"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


Asking = Callable[..., Awaitable[Caller]]


@pytest.fixture
def ask() -> Asking:
    async def run(reply: Callable[[], Answer], **request: str) -> Caller:
        caller = Caller(Routes(reply))
        await caller.ask(**({"path": "/app/predict"} | request))
        return caller

    return run


pieces = st.lists(st.sampled_from(["/", "/", "predict", "predict/", "app", "é", ".", "%2F", "update", " "]), max_size=7)


@given(pieces.map("".join))
@example("/app/predict")
@example("/app/predict/")
@example("/predict/predict")
@example("//predict")
async def test_it_is_taken_for_exactly_the_paths_of_the_documented_route(path: str) -> None:
    caller = Caller(Routes())
    await caller.ask(path)
    found = [match["application"] for route in DOCUMENTED if (match := route.match(path))]
    assert caller.routes.asked == found
    assert len(caller.passed_on) == (not found)


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "GET"},
        {"method": "OPTIONS"},
        {"path": "/app/update"},
        {"path": "/v2/models/app/infer"},
        {"kind": "websocket"},
        {"kind": "lifespan"},
    ],
)
async def test_anything_else_goes_the_documented_way_untouched(ask: Asking, request_: dict[str, str]) -> None:
    caller = await ask(lambda: Answer(200, b""), **request_)
    assert (caller.routes.asked, caller.sent, len(caller.passed_on)) == ([], [], 1)


async def test_an_answer_is_json_of_its_length(ask: Asking) -> None:
    caller = await ask(lambda: Answer(200, '{"output":"é"}'.encode()))
    start, body = caller.sent
    assert (start["status"], body["body"].decode()) == (200, '{"output":"é"}')
    assert dict(Headers(raw=start["headers"])) == {"content-type": "application/json", "content-length": "15"}


async def test_an_error_has_its_code_in_a_header_too(ask: Asking) -> None:
    caller = await ask(lambda: Answer(404, b"{}", "not_served"))
    headers = Headers(raw=caller.sent[0]["headers"])
    assert (caller.sent[0]["status"], headers["x-clipper-error-code"]) == (404, "not_served")


async def test_a_client_that_hangs_up_is_answered_nothing_and_is_no_failure(
    ask: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    def gone() -> Answer:
        raise SenderLeftError

    caller = await ask(gone)
    assert (caller.sent, caplog.records) == ([], [])


async def test_the_headers_of_an_answer_are_sent() -> None:
    caller = Caller(Routes(lambda: Answer(202, b"{}", headers=(("Location", "/jobs/1"),))))
    await caller.ask("/shop/predict")
    assert Headers(raw=caller.sent[0]["headers"])["location"] == "/jobs/1"


async def test_what_is_for_jobs_that_are_elsewhere_is_passed_on() -> None:
    caller = Caller(Routes(has_jobs=False))
    await caller.ask("/shop/predict")
    assert (len(caller.passed_on), caller.routes.asked) == (1, [])
