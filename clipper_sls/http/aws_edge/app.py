"""The application at `AWS_ENDPOINT_URL`.

POST /2015-03-31/functions/{name}/invocations    Lambda's Invoke
POST /_clipper/invocations                       the same, of what the gateway and queues behind invoke
GET  /_clipper/functions                         which environments there are
everything else                                  the server behind; changes of functions are looked at
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, unquote

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from clipper_sls.domain.functions.hosted import FunctionReference
from clipper_sls.http.aws_edge.handing_on import ALL_METHODS, Behind
from clipper_sls.http.aws_edge.invoking import Invoking
from clipper_sls.ports.request_forwarder import RequestForwarder, WholeAnswer
from clipper_sls.service.local_lambda import LocalLambda

INVOCATIONS_PATH = "/_clipper/invocations"
FUNCTIONS_PATH = "/_clipper/functions"

_PROVISIONING = re.compile(r"/2019-09-30/functions/([^/]+)/provisioned-concurrency")
_ALIASES = re.compile(r"/2015-03-31/functions/([^/]+)/aliases(?:/([^/]+))?")
_VERSIONS = re.compile(r"/2015-03-31/functions/([^/]+)/versions")


def create_aws_edge(
    functions: LocalLambda, behind: RequestForwarder, *, status: Callable[[], list[dict[str, object]]]
) -> ASGIApp:
    """`status` tells of the environments, for people."""
    rest = Behind(behind, after=lambda request, answer: _look(functions, request, answer))
    invoking = Invoking(functions, rest)

    async def show(request: Request) -> Response:
        return Response(msgspec.json.encode(status()), media_type="application/json")

    routes = [
        Route("/2015-03-31/functions/{name}/invocations", invoking.invoke, methods=["POST"]),
        Route(INVOCATIONS_PATH, invoking.handed_on, methods=["POST"]),
        Route(FUNCTIONS_PATH, show, methods=["GET"]),
        Route("/{path:path}", rest.answer, methods=ALL_METHODS),
    ]
    return Starlette(routes=routes)


async def _look(functions: LocalLambda, request: Request, answer: WholeAnswer) -> None:
    """Tell the data plane of an alias, a version or a number of environments that was just made or changed."""
    if request.method not in ("PUT", "POST", "DELETE") or answer.status >= 300:
        return
    reference = _changed(request, answer)
    if reference is not None:
        await functions.changed(reference)


def _changed(request: Request, answer: WholeAnswer) -> FunctionReference | None:
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    if found := _PROVISIONING.fullmatch(path):
        qualifier = parse_qs(request.url.query).get("Qualifier", [None])[0]
        return FunctionReference.parsed(unquote(found[1]), qualifier)
    if found := _ALIASES.fullmatch(path):
        return FunctionReference.parsed(unquote(found[1]), unquote(found[2]) if found[2] else _field(answer, "Name"))
    if found := _VERSIONS.fullmatch(path):
        return FunctionReference.parsed(unquote(found[1]), _field(answer, "Version"))
    return None


def _field(answer: WholeAnswer, name: str) -> str | None:
    try:
        return str(msgspec.json.decode(answer.body)[name])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return None
