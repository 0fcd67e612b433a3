"""Lambda's Invoke, in both forms in which calls come here.

Through the endpoint it is AWS's own: status 200 with the header X-Amz-Function-Error for a function that failed, and
X-Amz-Executed-Version for who answered. The server behind, which forwards what its API gateway and its queues invoke,
knows only that an answer is not 2xx.
"""

import asyncio
import base64
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from clipper_sls.domain.functions.hosted import (
    MAX_RESPONSE_BYTES,
    CallResult,
    FunctionCall,
    FunctionOutcome,
    FunctionReference,
    FunctionVersion,
    Throttled,
)
from clipper_sls.errors import ClipperError, RequestTooLargeError
from clipper_sls.http.aws_edge.handing_on import Behind
from clipper_sls.http.body import read_body
from clipper_sls.service.local_lambda import LocalLambda

JSON = "application/json"
MAX_REQUEST_BYTES = 6 * 1024 * 1024
MAX_FORWARDED_BYTES = 2 * MAX_RESPONSE_BYTES
"""An event of the gateway's holds a body of up to 10 MB, which AWS would have refused at 6; it refuses before us."""


class Invoking:
    def __init__(self, functions: LocalLambda, behind: Behind) -> None:
        self._functions = functions
        self._behind = behind

    async def invoke(self, request: Request) -> Response:
        """Invoke, of the version that its qualifier leads to."""
        try:
            body = await read_body(request.scope, request.receive, MAX_REQUEST_BYTES)
        except RequestTooLargeError:
            text = f"Request must be smaller than {MAX_REQUEST_BYTES} bytes for the InvokeFunction operation"
            return _refused(413, "RequestTooLargeException", text)
        if request.headers.get("x-amz-invocation-type", "RequestResponse") != "RequestResponse":
            return await self._behind.answer_with(request, body)
        if not _is_json(body):
            return _refused(400, "InvalidRequestContentException", "Could not parse request body into json")
        reference = FunctionReference.parsed(request.path_params["name"], request.query_params.get("Qualifier"))
        try:
            function = await self._functions.version(reference)
        except ClipperError as error:
            return _refused(503, "ServiceException", error.msg)
        if function is None:  # it knows why
            return await self._behind.answer_with(request, body)
        call = FunctionCall(
            request_id=str(uuid4()),
            arn=f"{function.arn}:{reference.qualifier}" if reference.qualifier else function.arn,
            event=body or b"{}",
            trace_id=request.headers.get("x-amzn-trace-id", ""),
            wants_log=request.headers.get("x-amz-log-type") == "Tail",
        )
        result = await _unless_left(request, self._functions.run(function, call))
        return Response(status_code=499) if result is None else _answered(function, call, result)

    async def handed_on(self, request: Request) -> Response:
        """What the server behind invokes: the version is named by headers."""
        headers = request.headers
        name, number = headers.get("x-amzn-lambda-function-name"), headers.get("x-amzn-lambda-function-version")
        if name is None:
            return Response('{"errorType":"InvalidRequest","errorMessage":"no function is named"}', 400)
        try:
            event = await read_body(request.scope, request.receive, MAX_FORWARDED_BYTES)
            function = await self._functions.version(FunctionReference(name, number))
        except ClipperError as error:
            return Response(error.msg, 503)
        if function is None:
            return Response(f"Function {name} cannot be run here: neither a bundle's image nor Python", 501)
        call = FunctionCall(
            request_id=headers.get("x-amzn-lambda-request-id") or str(uuid4()),
            arn=headers.get("x-amzn-lambda-function-arn") or function.arn,
            event=event,
            trace_id=headers.get("x-amzn-trace-id", ""),
        )
        match await self._functions.run_for_queue(function, call):
            case FunctionOutcome(payload=payload, is_error=is_error):
                return Response(payload, 502 if is_error else 200, media_type=JSON)
            case Throttled(detail=detail):
                return Response(detail, 429)


async def _unless_left(request: Request, running: Coroutine[Any, Any, CallResult]) -> CallResult | None:
    """What `running` gives; None when the caller leaves before: one that waits for an environment needs none then."""
    answering, leaving = asyncio.create_task(running), asyncio.create_task(_left(request))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return answering.result() if answering.done() else None
    finally:
        for task in (answering, leaving):
            task.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _answered(function: FunctionVersion, call: FunctionCall, result: CallResult) -> Response:
    if isinstance(result, Throttled):
        body = {"Reason": result.reason, "Type": "User", "message": f"Rate Exceeded: {result.detail}"}
        headers = {"x-amzn-ErrorType": "TooManyRequestsException", "Retry-After": "1"}
        return Response(msgspec.json.encode(body), 429, headers, media_type=JSON)
    headers = {"x-amz-executed-version": function.number, "x-amzn-requestid": call.request_id}
    if result.is_error:
        headers["x-amz-function-error"] = "Unhandled"
    if call.wants_log:
        headers["x-amz-log-result"] = base64.b64encode(result.log).decode()
    return Response(result.payload, 200, headers, media_type=JSON)


def _refused(status: int, error_type: str, message: str) -> Response:
    body = msgspec.json.encode({"Type": "User", "message": message})
    return Response(body, status, {"x-amzn-ErrorType": error_type}, media_type=JSON)


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body or b"{}", type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True
