"""What `/openapi.json` says of the predict and update routes, whose bodies depend on the application's input type."""

from typing import Any

_INPUT: dict[str, Any] = {
    "description": "One input, of the application's type: a list of numbers (integers, floats, doubles), a string "
    "(strings), base64 (bytes), or anything (json).",
}
_PREDICTION: dict[str, Any] = {
    "type": "object",
    "required": ["query_id", "output", "default"],
    "properties": {
        "query_id": {"type": "integer"},
        "output": {"description": "The model's output, or the default one"},
        "default": {"type": "boolean"},
        "default_explanation": {"type": "string"},
        "default_reason": {
            "type": "string",
            "enum": ["no_model_linked", "no_replica", "timed_out", "model_failed", "overloaded"],
        },
        "default_detail": {"type": "string"},
    },
}
_BATCH: dict[str, Any] = {
    "type": "object",
    "required": ["batch_predictions"],
    "properties": {"batch_predictions": {"type": "array", "items": _PREDICTION}},
}
_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error", "cause", "code"],
    "properties": {"error": {"type": "string"}, "cause": {"type": "string"}, "code": {"type": "string"}},
}


def _json_content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _failure(description: str) -> dict[str, Any]:
    return {"description": description, "content": _json_content(_ERROR)}


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


_APPLICATION: dict[str, Any] = {
    "name": "application",
    "in": "path",
    "required": True,
    "description": "Name of a registered application",
    "schema": {"type": "string"},
}

_PREFER: dict[str, Any] = {
    "name": "Prefer",
    "in": "header",
    "description": "`respond-async` makes the query a job, whose URL is the answer; with `wait=SECONDS`, unless it is "
    "done by then",
    "schema": {"type": "string"},
}
_JOB: dict[str, Any] = {
    "type": "object",
    "required": ["job_id", "status", "application", "submitted_at", "expires_at"],
    "properties": {
        "job_id": {"type": "string"},
        "status": {"type": "string", "enum": ["queued", "done", "expired", "failed"]},
        "application": {"type": "string"},
        "submitted_at": {"type": "number", "description": "Seconds since 1970, UTC"},
        "expires_at": {"type": "number", "description": "Who comes to the job later does not do it any more"},
        "finished_at": {"type": "number"},
    },
}
JOB_OPENAPI: dict[str, Any] = {
    "parameters": [
        {"name": "job_id", "in": "path", "required": True, "schema": {"type": "string"}},
        {
            "name": "wait",
            "in": "query",
            "description": "Answer when the job is done, or after so many seconds; more than 20 count as 20",
            "schema": {"type": "number", "minimum": 0},
        },
    ],
    "responses": {
        200: {
            "description": "The job; once it is done, with what a prediction answers, and once it has expired or "
            "failed, with an error",
            "content": _json_content({"allOf": [_JOB, {"anyOf": [{"type": "object"}, _PREDICTION, _BATCH, _ERROR]}]}),
        },
        400: _failure("wait is no number"),
        404: _failure("No such job, or too long ago"),
        503: _failure("The store of jobs cannot be used"),
    },
}

PREDICT_OPENAPI: dict[str, Any] = {
    "parameters": [_APPLICATION, _PREFER],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "input": _INPUT,
                        "input_batch": {"type": "array", "items": _INPUT},
                        "version": {
                            "type": ["string", "integer", "null"],
                            "description": "Pins a registered version of the linked model",
                        },
                    },
                    "anyOf": [{"required": ["input"]}, {"required": ["input_batch"]}],
                },
                "examples": {
                    "one": {"value": {"input": [0.1, 0.2, 0.3]}},
                    "batch": {"value": {"input_batch": [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]}},
                    "pinned": {"value": {"input": [0.1, 0.2, 0.3], "version": "1"}},
                },
            }
        },
    },
    "responses": {
        200: {
            "description": "One prediction, or one per input in order",
            "content": _json_content({"anyOf": [_PREDICTION, _BATCH]}),
        },
        202: {"description": "The query is a job; `Location` is its URL", "content": _json_content(_JOB)},
        400: _failure("The body is not what the application takes"),
        404: _failure("No such application"),
        413: _failure("Too many bytes or rows"),
        503: _failure("The job could not be kept"),
        507: _failure("No space is left to keep the job"),
    },
}

UPDATE_OPENAPI: dict[str, Any] = {
    "parameters": [_APPLICATION],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["input", "label"],
                    "properties": {
                        "uid": {"type": "integer", "default": 0},
                        "input": _INPUT,
                        "label": {"type": "number"},
                    },
                },
                "example": {"uid": 0, "input": [0.1, 0.2, 0.3], "label": 1.0},
            }
        },
    },
    "responses": {
        200: _text("Recorded"),
        400: _text("The body is not what the application takes"),
        404: _text("No such application"),
        413: _text("Too many bytes"),
        503: _text("It could not be recorded"),
        507: _text("No space is left to record it"),
    },
}
