"""What functions printed, from CloudWatch Logs."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.vendor_errors import translated
from clipper_sls.aws_errors import AwsResourceAbsentError

MAX_STREAMS = 20
MAX_LINES = 10_000
"""CloudWatch gives no more in one answer."""

_NUMBER = re.compile(r"\[([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class FunctionLog:
    """The end of one log stream: what one execution environment of one published version printed."""

    number: str  # of the published version
    stream: str  # "2026/11/26/[7]0123456789abcdef"
    text: str


def log_group(function: str) -> str:
    """Where Lambda writes what `function` prints, unless it is told otherwise."""
    return f"/aws/lambda/{function}"


def keep_logs(clients: AwsClients, function: str, days: int) -> None:
    """Make the log group before Lambda does, which would keep what is printed for ever. Raises botocore's errors."""
    group = log_group(function)
    with suppress(clients.logs.exceptions.ResourceAlreadyExistsException):
        clients.logs.create_log_group(logGroupName=group)
    clients.logs.put_retention_policy(logGroupName=group, retentionInDays=days)


def function_logs(clients: AwsClients, function: str, tail_lines: int) -> Sequence[FunctionLog]:
    """Of the environments that printed last, the oldest first; nothing where nothing was ever printed."""
    group = log_group(function)
    try:
        with translated(f"show what {function} printed"):
            streams = clients.logs.describe_log_streams(
                logGroupName=group, orderBy="LastEventTime", descending=True, limit=MAX_STREAMS
            )["logStreams"]
            return [_log(clients, group, one["logStreamName"], tail_lines) for one in reversed(streams)]
    except AwsResourceAbsentError:
        return []


def _log(clients: AwsClients, group: str, stream: str, tail_lines: int) -> FunctionLog:
    events = clients.logs.get_log_events(
        logGroupName=group, logStreamName=stream, limit=min(tail_lines, MAX_LINES), startFromHead=False
    )["events"]
    found = _NUMBER.search(stream)
    return FunctionLog(found[1] if found else "", stream, "\n".join(one["message"].rstrip("\n") for one in events))
