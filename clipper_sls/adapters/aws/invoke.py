"""Lambda's Invoke, synchronous."""

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.adapters.http_connections.connection import Response
from clipper_sls.domain.query import Deadline

_HEADERS = {"Content-Type": "application/json"}


async def invoke(
    client: AwsClient, function: str, alias: str | None, event: bytes, deadline: Deadline, *, may_repeat: bool
) -> Response:
    """What the function answered, or how it failed; without an alias, of what is not published.

    Raises AwsFailureError when it was not invoked, or nobody knows.
    """
    return await client.request(
        "lambda",
        "POST",
        f"/2015-03-31/functions/{function}/invocations",
        query={"Qualifier": alias} if alias else {},
        headers=_HEADERS,
        body=event,
        deadline=deadline,
        may_repeat=may_repeat,
        operation=f"Invoke {function}:{alias}" if alias else f"Invoke {function}",
    )
