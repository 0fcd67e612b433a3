"""How a command ends that did not succeed: one sentence on standard error, an exit code, and never a traceback."""

import json
import re
import sys
import tempfile
import traceback

from clipper_sls.cli import exit_codes
from clipper_sls.errors import ClipperError

_FRAME = re.compile(r"Received error status code: \d+ and message: ")
"""What Clipper's SDK puts around an engine's text; on a terminal it only stands in the way."""


def report(error: Exception, *, as_json: bool) -> int:
    """Say what happened; returns the exit code."""
    if isinstance(error, ClipperError):
        message, code, exit_code = _sentence(error), error.code, exit_codes.exit_code_of(type(error))
    else:
        message, code, exit_code = _unexpected(error), "unexpected", exit_codes.FAILED
    print(json.dumps({"error": message, "code": code}) if as_json else f"error: {message}", file=sys.stderr)
    return exit_code


def _sentence(error: ClipperError) -> str:
    """The query application answers errors as JSON, the management application as text."""
    text = _FRAME.sub("", error.msg, count=1)
    try:
        body = json.loads(text)
        return f"{body['error']}: {body['cause']}"
    except (ValueError, TypeError, KeyError):
        return text


def _unexpected(error: Exception) -> str:
    """A mistake of ours. The traceback goes into a file, for whoever reports it."""
    with tempfile.NamedTemporaryFile("w", prefix="clipper-sls-", suffix=".txt", delete=False) as file:
        file.writelines(traceback.format_exception(error))
    return f"{type(error).__name__}: {error}. This is a mistake of clipper-sls; please report it with {file.name}"
