"""The bodies of management requests, and how they are read. Names are Clipper's (`management_frontend.hpp`)."""

from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec

from clipper_sls.domain.records import Mode
from clipper_sls.domain.serving import Batching
from clipper_sls.domain.serving_options import DESCRIPTIONS, ServingOptions
from clipper_sls.errors import MalformedRequestError

MODE_DESCRIPTION = (
    "How plain predict requests come to the model: at once, or through the queue of jobs, for which they wait until "
    "the objective."
)


class AddApplication(msgspec.Struct):
    name: str
    input_type: str
    default_output: str
    latency_slo_micros: int
    mode: Annotated[str, msgspec.Meta(description=MODE_DESCRIPTION, extra_json_schema={"enum": [*Mode]})] = Mode.DIRECT


class NamedApplication(msgspec.Struct):
    name: str


class Links(msgspec.Struct):
    app_name: str
    model_names: list[str]


class LinkedModels(msgspec.Struct):
    app_name: str


class Verbose(msgspec.Struct):
    verbose: bool


def _option(name: str, limits: dict[str, Any] | None = None) -> msgspec.Meta:
    """What OpenAPI says of an option. `limits` are only said: who breaks them is told by the domain."""
    return msgspec.Meta(description=DESCRIPTIONS[name], extra_json_schema=limits)


URL_DESCRIPTION = (
    "Where a version runs that this engine does not run: http://HOST:PORT of the server of a model's image, or of the "
    "Lambda emulator."
)


class AddModel(msgspec.Struct):
    model_name: str
    model_version: str | int
    labels: list[str]
    input_type: str
    container_name: str
    model_data_path: str
    batch_size: int
    num_replicas: int | None = None
    min_replicas: int | None = None
    max_replicas: int | None = None
    make_current: bool = True
    url: Annotated[str | None, msgspec.Meta(description=URL_DESCRIPTION)] = None
    batching: Annotated[str | None, _option("batching", {"enum": [*Batching, None]})] = None
    batch_wait_ms: Annotated[float, _option("batch_wait_ms", {"minimum": 0})] = 0.0
    cache: Annotated[bool, _option("cache")] = True
    cache_ttl_s: Annotated[float | None, _option("cache_ttl_s", {"exclusiveMinimum": 0})] = None
    idempotent: Annotated[bool, _option("idempotent")] = True
    hedging: Annotated[bool | None, _option("hedging")] = None

    @property
    def serving_options(self) -> ServingOptions:
        return ServingOptions(
            batching=self.batching,
            batch_wait_ms=self.batch_wait_ms,
            cache=self.cache,
            cache_ttl_s=self.cache_ttl_s,
            idempotent=self.idempotent,
            hedging=self.hedging,
        )


class OneVersion(msgspec.Struct):
    model_name: str
    model_version: str | int


class OneContainer(msgspec.Struct):
    model_name: str
    model_version: str | int
    replica_id: int


class SelectionState(msgspec.Struct):
    app_name: str
    uid: int


class OneModel(msgspec.Struct):
    model_name: str


PERCENT_DESCRIPTION = "Of the queries that pin no version; the current version gets the rest. 0 ends it."


class SetTraffic(msgspec.Struct):
    model_name: str
    model_version: str | int
    percent: Annotated[float, msgspec.Meta(description=PERCENT_DESCRIPTION, extra_json_schema={"minimum": 0})]


class SetReplicas(msgspec.Struct):
    model_name: str
    model_version: str | int | None = None
    num_replicas: int | None = None
    min_replicas: int | None = None
    max_replicas: int | None = None


class SomeReplicas(msgspec.Struct):
    model_name: str | None = None
    model_version: str | int | None = None


class SomeLogs(msgspec.Struct):
    model_name: str | None = None
    model_version: str | int | None = None
    replica_id: int | None = None
    tail_lines: int = 200


class SomeLetters(msgspec.Struct):
    limit: int = 100


class Nothing(msgspec.Struct):
    """An empty object."""


B = TypeVar("B", bound=msgspec.Struct)


def read(content: bytes, body: type[B]) -> B:
    """Raises MalformedRequestError with Clipper's frame around the problem."""
    try:
        return msgspec.json.decode(content, type=body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem = "nested too deeply" if isinstance(error, RecursionError) else error
        raise MalformedRequestError(f"Error parsing JSON: {problem}. Expected JSON schema: {shape_of(body)}") from error


def shape_of(body: type[msgspec.Struct]) -> str:
    """The fields of `body` the way Clipper writes a schema: `{"name" := string}`."""
    fields = msgspec.structs.fields(body)
    shown = (f'"{field.name}" := {_type_name(field.type)}{"" if field.required else " (optional)"}' for field in fields)
    return "{" + ", ".join(shown) + "}"


_TYPE_NAMES: tuple[tuple[object, str], ...] = (
    (int, "int"),
    (int | None, "int"),
    (float, "number"),
    (float | None, "number or null"),
    (bool, "bool"),
    (bool | None, "bool or null"),
    (list[str], "[string]"),
)


def _type_name(annotation: object) -> str:
    plain = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return next((name for kind, name in _TYPE_NAMES if kind == plain), "string")
