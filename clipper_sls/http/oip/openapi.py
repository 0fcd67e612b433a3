"""What `/openapi.json` says of the protocol's endpoints."""

from typing import Any

from clipper_sls.http.oip.tensors import DATATYPES

_TEXT: dict[str, Any] = {"type": "string"}
_SHAPE: dict[str, Any] = {"type": "array", "items": {"type": "integer"}}
_PARAMETERS: dict[str, Any] = {"type": "object"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": [*required], "properties": {**required, **(optional or {})}}


def _array(items: dict[str, Any], **limits: int) -> dict[str, Any]:
    return {"type": "array", "items": items, **limits}


_BOOLEAN: dict[str, Any] = {"type": "boolean"}
_DATATYPE: dict[str, Any] = {"type": "string", "enum": [*DATATYPES]}
_TENSOR_METADATA = _object({"name": _TEXT, "datatype": _DATATYPE, "shape": _SHAPE})
_DATA: dict[str, Any] = {
    "type": "array",
    "description": "Row-major, flat or nested as `shape` says; left out when the data is binary",
}
_TENSOR = _object({"name": _TEXT, "shape": _SHAPE, "datatype": _DATATYPE}, {"parameters": _PARAMETERS, "data": _DATA})
_ERROR = _object({"error": _TEXT})
_READINESS = _object({"name": _TEXT, "ready": _BOOLEAN})


def _answer(schema: dict[str, Any], description: str = "Done") -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _operation(operation_id: str, summary: str, responses: dict[int, Any], **request: Any) -> dict[str, Any]:
    return {"operationId": operation_id, "summary": summary, "responses": responses, **request}


_ABSENT = {404: _answer(_ERROR, "No such model, or no such version of it")}

SERVER = _operation(
    "server",
    "Server metadata",
    {200: _answer(_object({"name": _TEXT, "version": _TEXT, "extensions": _array(_TEXT)}))},
)
LIVE = _operation("live", "The server answers", {200: _answer(_object({"live": _BOOLEAN}))})
_SERVER_READY = _object({"live": _BOOLEAN, "ready": _BOOLEAN})
READY = _operation(
    "ready",
    "What is registered is being served",
    {200: _answer(_SERVER_READY, "Ready"), 503: _answer(_SERVER_READY, "Not ready yet, or draining")},
)
MODEL = _operation(
    "model",
    "Model metadata",
    {
        200: _answer(
            _object(
                {
                    "name": _TEXT,
                    "versions": _array(_TEXT),
                    "platform": _TEXT,
                    "inputs": _array(_TENSOR_METADATA),
                    "outputs": _array(_TENSOR_METADATA),
                }
            ),
            "What the model takes. What it answers is known when it does: trust the datatype and shape of a response",
        ),
        **_ABSENT,
    },
)
MODEL_READY = _operation(
    "model_ready",
    "Whether a model can answer",
    {200: _answer(_READINESS, "Ready"), 503: _answer(_READINESS, "Not ready"), **_ABSENT},
)
_INDEX_ENTRY = _object(
    {"name": _TEXT, "version": _TEXT, "state": {"type": "string", "enum": ["READY", "UNAVAILABLE"]}, "reason": _TEXT}
)
INDEX = _operation(
    "index",
    "List the versions of all models",
    {
        200: _answer(_array(_INDEX_ENTRY)),
        400: _answer(_ERROR, "The body is no such request"),
        413: _answer(_ERROR, "Too many bytes"),
    },
    requestBody={
        "required": False,
        "content": {"application/json": {"schema": _object({}, {"ready": {**_BOOLEAN, "default": False}})}},
    },
)

_INFER_REQUEST = _object(
    {"inputs": _array(_TENSOR, minItems=1, maxItems=1)},
    {
        "id": {"type": ["string", "null"]},
        "parameters": _PARAMETERS,
        "outputs": _array(_object({"name": {"const": "output"}}, {"parameters": _PARAMETERS})),
    },
)
_INFER_RESPONSE = _object(
    {"model_name": _TEXT, "model_version": _TEXT, "outputs": _array(_TENSOR, minItems=1, maxItems=1)}, {"id": _TEXT}
)
_INFER_EXAMPLE = {"inputs": [{"name": "input", "shape": [2, 2], "datatype": "FP64", "data": [[0.1, 0.2], [0.3, 0.4]]}]}
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
INFER = _operation(
    "infer",
    "Ask a model",
    {
        200: {
            "description": "One output tensor; with binary data behind the JSON where that was asked for",
            "content": {"application/json": {"schema": _INFER_RESPONSE}, "application/octet-stream": _BINARY},
        },
        400: _answer(_ERROR, "The body is not what the model takes"),
        **_ABSENT,
        413: _answer(_ERROR, "Too many bytes or rows"),
        500: _answer(_ERROR, "The model failed on a row"),
        503: _answer(_ERROR, "No replica can answer, or too many requests wait"),
        504: _answer(_ERROR, "No answer within the latency objective"),
    },
    requestBody={
        "required": True,
        "description": "Exactly one input tensor, of any name: shape [n, k] is n rows, [k] one row; for BYTES [n] or "
        "[n, 1]. With the header Inference-Header-Content-Length, that many bytes of JSON and then binary data.",
        "content": {"application/json": {"schema": _INFER_REQUEST, "example": _INFER_EXAMPLE}},
    },
)


def request_of(operation: dict[str, Any], path: str) -> dict[str, Any]:
    """The parts of an operation that say what a request holds: the names in its path, and its body."""
    names = [name for name in ("model", "version") if f"{{{name}}}" in path]
    parameters = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names]
    body = {"requestBody": operation["requestBody"]} if "requestBody" in operation else {}
    return {"parameters": parameters, **body}
