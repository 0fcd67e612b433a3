"""Events of API Gateway that Mangum would read another way."""

from functools import cached_property
from typing import Any

from mangum.handlers import HTTPGateway

from clipper_sls.bootstrap.aws.function import Event


class StagedGateway(HTTPGateway):
    """HTTP APIs and function URLs: a stage that has a name stands before the path, and is not part of it.

    The scope is asked for twice per request, and made once.
    """

    @cached_property
    def scope(self) -> Any:
        scope = super().scope
        scope["path"] = path_of(self.event)
        return scope


def path_of(event: Event) -> str:
    """The path that was asked for, of an event of any kind, without its stage."""
    path: str = event.get("rawPath") or event.get("path") or "/"
    stage = event["requestContext"].get("stage", "$default")
    prefix = f"/{stage}"
    is_staged = event.get("version") == "2.0" and (path == prefix or path.startswith(f"{prefix}/"))
    return path.removeprefix(prefix) or "/" if is_staged else path
