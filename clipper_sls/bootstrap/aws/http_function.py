"""A function behind API Gateway, a function URL or a load balancer."""

from collections.abc import Callable
from typing import Any

from mangum import Mangum
from mangum.types import ASGI

from clipper_sls.bootstrap.aws.function import Event, StackFunction
from clipper_sls.bootstrap.aws.gateway import StagedGateway, path_of
from clipper_sls.http.fast_path import application_in

Handler = Callable[[Event, Any], Any]


def http_handler(function: StackFunction, app: ASGI, *, warm_up: Callable[[], None]) -> Handler:
    """`warm_up` is called for an event that is no request: the schedule's."""
    mangum = Mangum(app, lifespan="off", custom_handlers=[StagedGateway])

    def handler(event: Event, context: Any) -> Any:
        if "requestContext" not in event:
            return function.answer(context, warm_up, name="warm-up")
        application = application_in(path_of(event))
        about = {"application": application} if application else {}
        return function.answer(context, lambda: mangum(event, context), name="request", about=about)

    return handler
