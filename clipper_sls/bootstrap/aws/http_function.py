"""A function behind API Gateway, a function URL or a load balancer."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mangum import Mangum
from mangum.types import ASGI

from clipper_sls.bootstrap.aws.function import Event, StackFunction
from clipper_sls.bootstrap.aws.gateway import StagedGateway, path_of
from clipper_sls.domain.envelope import MAX_PAYLOAD_BYTES
from clipper_sls.errors import RequestTooLargeError
from clipper_sls.http.answers import error_answer
from clipper_sls.http.fast_path import application_in, send_answer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

Handler = Callable[[Event, Any], Any]

MAX_BALANCED_BYTES = 1024 * 1024
"""A load balancer takes no larger answer of a function."""

MOST_GROWTH = 4
"""Of a character of a body, within the JSON of the answer: as UTF-8, or behind a backslash."""


def http_handler(function: StackFunction, app: ASGI, *, warm_up: Callable[[], None]) -> Handler:
    """`warm_up` is called for an event that is no request: the schedule's."""
    mangum = _behind_gateways(app)

    def answered(event: Event, context: Any) -> Any:
        answer = mangum(event, context)
        limit = MAX_BALANCED_BYTES if "elb" in event["requestContext"] else MAX_PAYLOAD_BYTES
        size = _size(answer, limit)
        return answer if size <= limit else _behind_gateways(_too_large(size, limit))(event, context)

    def handler(event: Event, context: Any) -> Any:
        if "requestContext" not in event:
            return function.answer(context, warm_up, name="warm-up")
        application = application_in(path_of(event))
        about = {"application": application} if application else {}
        return function.answer(context, lambda: answered(event, context), name="request", about=about)

    return handler


def _behind_gateways(app: ASGI) -> Mangum:
    return Mangum(app, lifespan="off", custom_handlers=[StagedGateway])


def _size(answer: Any, limit: int) -> int:
    """Of the JSON that Lambda is given; 0 for one that must be within the `limit`, as nearly all are."""
    if MOST_GROWTH * len(answer["body"]) < limit // 2:
        return 0
    return len(json.dumps(answer, ensure_ascii=False).encode())


def _too_large(size: int, limit: int) -> ASGI:
    """Lambda would say that the function failed, and the gateway that somebody did."""
    error = RequestTooLargeError(
        f"The answer has {size} bytes, and here one may have {limit}, as JSON in JSON. Ask for fewer rows at a time"
    )

    async def app(scope: "Scope", receive: "Receive", send: "Send") -> None:
        await send_answer(error_answer(error), send)

    return app
