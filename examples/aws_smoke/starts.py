"""How long cold starts take, as AWS itself reports them at the end of an invocation's log."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.inputs import InputType, pack_numbers
from clipper_sls.errors import ClipperError
from examples.aws_smoke.report import Finding, Verdict
from examples.aws_smoke.site import MODEL, Site

COLD_MODEL = "cold start of a model's function"
COLD_QUERY = "cold start of the query function"
SNAP_START = "SnapStart for a container image"
REPORTED = re.compile(r"(Init|Restore) Duration: ([\d.]+) ms")

HEALTH = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/livez",
    "rawQueryString": "",
    "headers": {"host": "smoke"},
    "requestContext": {
        "http": {"method": "GET", "path": "/livez", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
        "stage": "$default",
    },
    "isBase64Encoded": False,
}
"""An event of an HTTP API; no model is asked."""


def check_cold_starts(site: Site) -> Iterator[Finding]:
    site.deploy("cold")
    yield _noted(COLD_MODEL, _reported(site, *site.model_alias("cold"), _event()))
    functions: Any = site.client("lambda")
    name = site.names.query_function
    functions.update_function_configuration(FunctionName=name, Description="started anew by make aws-smoke")
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    yield _noted(COLD_QUERY, _reported(site, name, "$LATEST", json.dumps(HEALTH).encode()))


def check_snap_start(site: Site) -> Iterator[Finding]:
    """`docs/verified.md` says why nobody knew."""
    try:
        site.deploy("snap", snap_start=True)
    except ClipperError as error:
        yield _noted(SNAP_START, f"refused: {error.msg[:300]}")
        return
    yield _noted(SNAP_START, f"accepted; {_reported(site, *site.model_alias('snap'), _event())}")
    site.connection.rollback(MODEL)


def _event() -> bytes:
    return pack_event(InputType.DOUBLES, [pack_numbers(InputType.DOUBLES, [1.0, 2.0])])


def _reported(site: Site, function: str, qualifier: str, event: bytes) -> str:
    functions: Any = site.client("lambda")
    answer = functions.invoke(FunctionName=function, Qualifier=qualifier, LogType="Tail", Payload=event)
    log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    found = REPORTED.search(log)
    return f"{found[1]} {float(found[2]):.0f} ms" if found else "the log does not say"


def _noted(name: str, seen: str) -> Finding:
    return Finding(name, seen, Verdict.NOTED)
