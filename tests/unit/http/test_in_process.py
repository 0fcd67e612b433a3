"""An application answers a request that came whole; what it fails for is not taken for an answer."""

import pytest

from clipper_sls.http.in_process import answer_of
from clipper_sls.ports.request_forwarder import WholeRequest

START = {"type": "http.response.start", "status": 200, "headers": [(b"x", b"1")]}


def request() -> WholeRequest:
    return WholeRequest("POST", "/app/update", b"", [], b"abc")


async def test_the_body_goes_in_and_comes_out() -> None:
    async def echo(scope, receive, send) -> None:
        body = (await receive())["body"]
        await send(START)
        await send({"type": "http.response.body", "body": body[:1], "more_body": True})
        await send({"type": "http.response.body", "body": body[1:]})

    answer = await answer_of(echo, request())
    assert (answer.status, answer.headers, answer.body) == (200, [(b"x", b"1")], b"abc")


async def test_an_application_may_raise_once_it_has_answered() -> None:
    async def answers_first(scope, receive, send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"done"})
        raise RuntimeError("boom")

    assert (await answer_of(answers_first, request())).body == b"done"


@pytest.mark.parametrize("messages", [[], [START], [START, {"type": "http.response.body", "more_body": True}]])
async def test_half_an_answer_is_none(messages: list) -> None:
    async def fails(scope, receive, send) -> None:
        for message in messages:
            await send(message)
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        await answer_of(fails, request())
