"""What MiniStack knows of functions, read when it is needed.

An alias is read for every call, so a rollback counts at once. A published version never changes; it is read again after
a second all the same, because a function may be deleted and made anew under its name.
"""

from http import HTTPStatus
from urllib.parse import quote

import msgspec

from clipper_sls.adapters.ministack.http import MiniStackHttp
from clipper_sls.domain.functions.hosted import LATEST, Alias, FunctionReference, FunctionVersion, ImageCode, ZipCode
from clipper_sls.domain.queue_batches import QueueWindow
from clipper_sls.ports.clock import Clock

KEPT_FOR_S = 1.0
_FUNCTIONS = "/2015-03-31/functions"
_MAPPINGS = "/2015-03-31/event-source-mappings/"
_BY_MESSAGE = "ReportBatchItemFailures"
_PROVISIONED = "/2019-09-30/functions"


class _Variables(msgspec.Struct, rename="pascal"):
    variables: dict[str, str] = {}


class _Configuration(msgspec.Struct, rename="pascal"):
    function_name: str
    function_arn: str
    version: str = LATEST
    revision_id: str = ""
    code_sha256: str = msgspec.field(default="", name="CodeSha256")
    package_type: str = "Zip"
    runtime: str | None = None
    handler: str | None = None
    timeout: float = 3.0
    memory_size: int = 128
    environment: _Variables | None = None


class _Code(msgspec.Struct, rename="pascal"):
    image_uri: str = ""
    location: str = ""


class _Concurrency(msgspec.Struct, rename="pascal"):
    reserved_concurrent_executions: int | None = None


class _Function(msgspec.Struct, rename="pascal"):
    configuration: _Configuration
    code: _Code
    concurrency: _Concurrency | None = None


class _Routing(msgspec.Struct, rename="pascal"):
    additional_version_weights: dict[str, float] | None = None


class _Provisioned(msgspec.Struct, rename="pascal"):
    requested_provisioned_concurrent_executions: int = 0


class _Mapping(msgspec.Struct, rename="pascal"):
    event_source_arn: str = ""
    batch_size: int = 10
    maximum_batching_window_in_seconds: float = 0
    function_response_types: list[str] = []


class _Mappings(msgspec.Struct, rename="pascal"):
    event_source_mappings: list[_Mapping] = []


class _AliasRecord(msgspec.Struct, rename="pascal"):
    function_version: str
    routing_config: _Routing | None = None


class MiniStackCatalog:
    """Implements `FunctionCatalog`: container images that are named by digest, and Python from zip archives."""

    def __init__(self, server: MiniStackHttp, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[float, FunctionVersion | None]] = {}

    async def resolved(self, reference: FunctionReference, chance: float) -> FunctionVersion | None:
        """See `FunctionCatalog.resolved`."""
        name, qualifier = reference
        if qualifier is None or qualifier == LATEST:
            return await self._described(name, None)
        if qualifier.isdecimal():
            return await self._published(name, qualifier)
        response = await self._server.get(f"{_FUNCTIONS}/{quote(name)}/aliases/{quote(qualifier)}")
        if response.status != HTTPStatus.OK:
            return None
        record = msgspec.json.decode(response.body, type=_AliasRecord)
        number = _alias(record).drawn(chance)
        return await (self._described(name, None) if number == LATEST else self._published(name, number))

    async def provisioned(self, reference: FunctionReference) -> int:
        """See `FunctionCatalog.provisioned`."""
        name, qualifier = reference
        path = f"{_PROVISIONED}/{quote(name)}/provisioned-concurrency?Qualifier={quote(qualifier or LATEST)}"
        response = await self._server.get(path)
        if response.status != HTTPStatus.OK:
            return 0
        return msgspec.json.decode(response.body, type=_Provisioned).requested_provisioned_concurrent_executions

    async def window(self, name: str, source: str) -> QueueWindow | None:
        """See `FunctionCatalog.window`."""
        response = await self._server.get(f"{_MAPPINGS}?FunctionName={quote(name)}")
        if response.status != HTTPStatus.OK:
            return None
        found = msgspec.json.decode(response.body, type=_Mappings, strict=False).event_source_mappings
        for mapping in found:
            seconds, reports = mapping.maximum_batching_window_in_seconds, mapping.function_response_types
            if mapping.event_source_arn == source and seconds and _BY_MESSAGE in reports:
                return QueueWindow(seconds, mapping.batch_size)
        return None

    async def _published(self, name: str, number: str) -> FunctionVersion | None:
        read_at, function = self._kept.get((name, number), (-KEPT_FOR_S, None))
        now = self._clock.now()
        if now - read_at >= KEPT_FOR_S:
            function = await self._described(name, number)
            self._kept[name, number] = (now, function)
        return function

    async def _described(self, name: str, number: str | None) -> FunctionVersion | None:
        query = "" if number is None else f"?Qualifier={quote(number)}"
        response = await self._server.get(f"{_FUNCTIONS}/{quote(name)}{query}")
        if response.status != HTTPStatus.OK:
            return None
        return _version(msgspec.json.decode(response.body, type=_Function, strict=False))


def _alias(record: _AliasRecord) -> Alias:
    routing = record.routing_config
    return Alias(record.function_version, (routing and routing.additional_version_weights) or {})


def _version(function: _Function) -> FunctionVersion | None:
    told = function.configuration
    code = _code(function)
    if code is None:
        return None
    prefix = told.function_arn.split(":")[:7]
    return FunctionVersion(
        name=told.function_name,
        number=told.version,
        revision=f"{told.revision_id}/{told.code_sha256}",
        arn=":".join(prefix),
        code=code,
        timeout_s=told.timeout,
        memory_mib=told.memory_size,
        variables={} if told.environment is None else told.environment.variables,
        reserved=None if function.concurrency is None else function.concurrency.reserved_concurrent_executions,
    )


def _code(function: _Function) -> ImageCode | ZipCode | None:
    told = function.configuration
    if told.package_type == "Image":
        image = ImageCode(function.code.image_uri)
        return image if image.digest is not None else None
    if told.runtime is not None and told.runtime.startswith("python") and told.handler is not None:
        return ZipCode(told.code_sha256, function.code.location, told.handler, told.runtime)
    return None
