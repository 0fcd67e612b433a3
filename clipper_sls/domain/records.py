"""What the registry holds: applications, model versions, links, current versions; and a snapshot of all of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.functions.published import PublishedFunction
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.serving import Serving
from clipper_sls.errors import InvalidSettingError

ADAPTIVE_BATCH_SIZE = -1
"""Clipper's DEFAULT_BATCH_SIZE: the engine chooses."""

CONTAINERLESS_IMAGE = "NO_CONTAINER"
"""Clipper's container name of a version that runs outside the cluster."""

MAX_REPLICAS = 1_000
MAX_SLO_MICROS = 24 * 3600 * 1_000_000
MAX_BATCH_SIZE = 1_000_000
HISTORY_LENGTH = 100
WHOLE_PERCENT = 100.0


class Mode(StrEnum):
    """How an application's plain predict requests come to its model."""

    DIRECT = "direct"
    QUEUE = "queue"  # through the queue of jobs, and whoever asks waits for the result until the objective

    @classmethod
    def parse(cls, text: str) -> "Mode":
        try:
            return cls(text)
        except ValueError:
            choices = ", ".join(f"'{choice}'" for choice in cls)
            raise InvalidSettingError(f"The mode of an application must be one of {choices}, not {text!r}") from None


@dataclass(frozen=True, slots=True)
class Application:
    """A predict URL: what it takes, by when it answers, and what it answers when it cannot."""

    name: AppName
    input_type: InputType
    default_output: str
    slo_micros: int
    mode: Mode = Mode.DIRECT

    def __post_init__(self) -> None:
        if not 0 < self.slo_micros <= MAX_SLO_MICROS:
            raise InvalidSettingError(
                f"latency_slo_micros must be positive, and at most a day ({MAX_SLO_MICROS}), not {self.slo_micros}"
            )

    @property
    def slo_s(self) -> float:
        return self.slo_micros / 1e6


@dataclass(frozen=True, slots=True)
class Scaling:
    """How many replicas may run. `minimum` 0 with a positive `maximum` scales to zero when idle; 0 and 0 is off."""

    minimum: int
    maximum: int

    def __post_init__(self) -> None:
        if not 0 <= self.minimum <= self.maximum <= MAX_REPLICAS:
            raise InvalidSettingError(
                f"Replicas must satisfy 0 <= min <= max <= {MAX_REPLICAS}, not min {self.minimum}, max {self.maximum}"
            )

    @classmethod
    def fixed(cls, count: int) -> "Scaling":
        return cls(count, count)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One immutable version of a model; only `scaling` may change after registration."""

    id: ModelId
    input_type: InputType
    container_name: str = CONTAINERLESS_IMAGE
    model_data_path: str = "DEPRECATED"
    labels: tuple[str, ...] = ()
    batch_size: int = ADAPTIVE_BATCH_SIZE
    bundle_digest: str | None = None  # 64 hex digits; None when it runs outside
    scaling: Scaling = field(default=Scaling(0, 0))
    serving: Serving = field(default=Serving())
    registered_at: float = 0.0  # seconds since 1970, UTC
    endpoint: Endpoint | None = None  # of a version that runs outside, where that was said
    function: PublishedFunction | None = None  # of a version that runs on AWS Lambda

    def __post_init__(self) -> None:
        if self.batch_size <= 0 and self.batch_size != ADAPTIVE_BATCH_SIZE:
            raise InvalidSettingError("The batch size must be positive or DEFAULT_BATCH_SIZE, which is -1")
        if self.batch_size > MAX_BATCH_SIZE:
            raise InvalidSettingError(f"The batch size may be at most {MAX_BATCH_SIZE}, not {self.batch_size}")
        if self.endpoint is not None and self.has_replicas:
            raise InvalidSettingError("A version runs here, in replicas, or at its url, and not at both")

    @property
    def content(self) -> str:
        """What stands for what it answers: its bundle, or where it runs; empty when neither is known."""
        return self.bundle_digest or (self.endpoint.url if self.endpoint else "")

    @property
    def has_replicas(self) -> bool:
        """Whether the engine runs it, now or later."""
        return self.bundle_digest is not None or self.scaling.maximum > 0

    @property
    def is_containerless(self) -> bool:
        return self.bundle_digest is None

    def as_current(self, *, is_shared: bool = False) -> "ModelVersion":
        """The version as it is asked when nobody pins one.

        Where Lambda draws who answers, and the version shares that with a canary, no answer is known to be its own.
        """
        if self.function is None:
            return self
        serving = replace(self.serving, is_cached=False, cache_ttl_s=None) if is_shared else self.serving
        return replace(self, function=self.function.as_current(), serving=serving)


@dataclass(frozen=True, slots=True)
class Link:
    """An application asks a model: always the model's current version, unless a query pins one."""

    application: AppName
    model: ModelName


@dataclass(frozen=True, slots=True)
class Switch:
    """A version became current."""

    version: Version
    at: float  # seconds since 1970, UTC


@dataclass(frozen=True, slots=True)
class Canary:
    """A version that is tried on some of the queries while another one is current."""

    version: Version
    percent: float

    def __post_init__(self) -> None:
        if not 0 < self.percent < WHOLE_PERCENT:  # which NaN is not, either
            raise InvalidSettingError(
                f"The share of version '{self.version}' must be more than 0 % and less than 100 %, not "
                f"{self.percent:g} %. To give it all queries, make it current"
            )

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.percent / WHOLE_PERCENT


@dataclass(frozen=True, slots=True)
class Current:
    """Which version of a model answers, and which ones did before, oldest first, the present one last."""

    model: ModelName
    history: tuple[Switch, ...]
    canary: Canary | None = None  # ends with the next switch

    @property
    def version(self) -> Version:
        return self.history[-1].version

    def switched(self, version: Version, at: float) -> "Current":
        return Current(self.model, (*self.history, Switch(version, at))[-HISTORY_LENGTH:])


Record = Application | ModelVersion | Link | Current


@dataclass(frozen=True, slots=True)
class RegistrySnapshot:
    """Everything registered at one revision. Immutable, shared by every request that started while it was newest."""

    revision: int = 0
    applications: Mapping[AppName, Application] = field(default_factory=dict)
    versions: Mapping[ModelId, ModelVersion] = field(default_factory=dict)
    links: Mapping[AppName, tuple[ModelName, ...]] = field(default_factory=dict)
    currents: Mapping[ModelName, Current] = field(default_factory=dict)
    canaries: Mapping[ModelName, tuple[float, ModelVersion]] = field(init=False, repr=False, compare=False)
    """By model, the share of a canary that is drawn by whoever asks, and the canary."""

    _answering: Mapping[ModelName, ModelVersion] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        answering: dict[ModelName, ModelVersion] = {}
        canaries: dict[ModelName, tuple[float, ModelVersion]] = {}
        for name, current in self.currents.items():
            if (version := self.versions.get(ModelId(name, current.version))) is None:
                continue
            canary = self.versions.get(ModelId(name, current.canary.version)) if current.canary else None
            answering[name] = version.as_current(is_shared=canary is not None)
            if current.canary is not None and canary is not None and version.function is None:
                canaries[name] = (current.canary.share, canary)
        object.__setattr__(self, "canaries", canaries)
        object.__setattr__(self, "_answering", answering)

    @classmethod
    def of(cls, revision: int, records: Iterable[Record]) -> "RegistrySnapshot":
        """Index `records`, in the order given."""
        applications: dict[AppName, Application] = {}
        versions: dict[ModelId, ModelVersion] = {}
        links: dict[AppName, tuple[ModelName, ...]] = {}
        currents: dict[ModelName, Current] = {}
        for record in records:
            match record:
                case Application():
                    applications[record.name] = record
                case ModelVersion():
                    versions[record.id] = record
                case Link():
                    links[record.application] = (*links.get(record.application, ()), record.model)
                case Current():
                    currents[record.model] = record
        return cls(revision, applications, versions, links, currents)

    def records(self) -> Iterator[Record]:
        """What `of` makes an equal snapshot of."""
        yield from self.applications.values()
        yield from self.versions.values()
        yield from (Link(name, model) for name, models in self.links.items() for model in models)
        yield from self.currents.values()

    def linked(self, application: AppName) -> tuple[ModelName, ...]:
        return self.links.get(application, ())

    def applications_of(self, model: ModelName) -> tuple[Application, ...]:
        """The applications linked to `model`."""
        return tuple(app for app in self.applications.values() if model in self.linked(app.name))

    def versions_of(self, model: ModelName) -> tuple[ModelVersion, ...]:
        """Every registered version of `model`, oldest first."""
        found = (version for version in self.versions.values() if version.id.name == model)
        return tuple(sorted(found, key=lambda version: (version.registered_at, version.id.version)))

    def current(self, model: ModelName) -> ModelVersion | None:
        """The version that answers for `model`; None when it was deleted or never set."""
        return self._answering.get(model)
