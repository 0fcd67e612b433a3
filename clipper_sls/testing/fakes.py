"""Fakes of the ports that have no in-memory adapter. They remember what was asked of them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clipper_sls.domain.cache_key import CacheKey
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, PackedRow, Predicted, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.domain.replicas import Health, PoolStatus, ReplicaState, ReplicaStatus
from clipper_sls.domain.traffic import Answering
from clipper_sls.errors import InvalidBundleError, ModelStartError, StoreUnavailableError, UnsupportedImageError
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.model_host import Decide
from clipper_sls.ports.model_invoker import LateOutput
from clipper_sls.ports.prediction_cache import Kept

Model = Callable[[PackedRow], RowResult]


def constant(output: bytes) -> Model:
    """A model that answers the same for every row."""
    return lambda row: Predicted(OutputJson(output))


@dataclass
class FakeInvoker:
    """`models` by version; a version without one has no replica."""

    models: dict[ModelId, Model] = field(default_factory=dict)
    asked: list[tuple[ModelId, tuple[PackedRow, ...], Deadline]] = field(default_factory=list)

    async def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Sequence[RowResult]:
        self.asked.append((version.id, tuple(rows), deadline))
        model = self.models.get(version.id)
        if model is None:
            return [Unanswered(DefaultReason.NO_REPLICA)] * len(rows)
        return [model(row) for row in rows]


@dataclass
class FakeModelHost:
    """Starts at once what is not in `broken`; has the bundles of `digests`, or if that is None every one."""

    broken: set[ModelId] = field(default_factory=set)
    digests: frozenset[str] | None = None
    hosted: dict[ModelId, Scaling] = field(default_factory=dict)
    resumed: list[ModelId] = field(default_factory=list)
    answering: dict[ModelName, Answering] = field(default_factory=dict)
    told: list[Answering | None] = field(default_factory=list)

    async def identified(self, version: ModelVersion) -> ModelVersion:
        if version.bundle_digest is None:
            raise UnsupportedImageError(f"Image '{version.container_name}' cannot be run here")
        if self.digests is not None and version.bundle_digest not in self.digests:
            raise InvalidBundleError("no such bundle")
        return version

    async def start(self, version: ModelVersion) -> None:
        if version.id in self.broken:
            raise ModelStartError(f"Model {version.id} did not start; its log:\nboom")
        self.hosted[version.id] = version.scaling

    async def let_answer(self, model: ModelName, decide: Decide) -> None:
        wanted = await decide()
        if wanted is not None:
            self.answering[model] = wanted
        self.told.append(wanted)

    async def withdraw(self, model: ModelId) -> None:
        await self.stop(model)

    async def resume(self, version: ModelVersion) -> None:
        self.resumed.append(version.id)
        self.hosted[version.id] = version.scaling

    async def scale(self, model: ModelId, scaling: Scaling) -> None:
        if model in self.broken:
            raise ModelStartError(f"Model {model} did not start; its log:\nboom")
        self.hosted[model] = scaling

    async def stop(self, model: ModelId) -> None:
        self.hosted.pop(model, None)

    def pools(self) -> Sequence[PoolStatus]:
        return [_pool(model, scaling) for model, scaling in self.hosted.items()]

    def log_files(self, model: ModelId | None = None) -> Sequence[Path]:
        return []


def _pool(model: ModelId, scaling: Scaling) -> PoolStatus:
    replicas = tuple(
        ReplicaStatus(number, ReplicaState.READY, pid=None, log_path=f"{number}.log", started_at=0.0)
        for number in range(1, scaling.minimum + 1)
    )
    health = Health.HEALTHY if replicas else Health.OFF
    return PoolStatus(model, health, scaling, replicas, queued_rows=0, consecutive_crashes=0, last_error=None)


@dataclass
class FakeRemoteCache:
    """A cache outside this process that never makes room; without `answers`, who asks waits for it to be set."""

    clock: Clock
    kept: dict[CacheKey, Kept] = field(default_factory=dict)
    is_away: bool = False
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    lookups: list[Sequence[CacheKey]] = field(default_factory=list)
    writes: list[Mapping[CacheKey, Kept]] = field(default_factory=list)
    is_closed: bool = False

    def __post_init__(self) -> None:
        self.answers.set()

    async def find(self, keys: Sequence[CacheKey], *, can_expire: bool, deadline: Deadline) -> Mapping[CacheKey, Kept]:
        self.lookups.append(keys)
        await self._answer()
        now = self.clock.now()
        return {key: kept for key in keys if (kept := self.kept.get(key)) is not None and kept.expires_at > now}

    async def keep(self, outputs: Mapping[CacheKey, Kept]) -> None:
        self.writes.append(outputs)
        await self._answer()
        self.kept.update(outputs)

    async def close(self) -> None:
        self.is_closed = True

    async def _answer(self) -> None:
        await self.answers.wait()
        if self.is_away:
            raise StoreUnavailableError("The cache is away")


@dataclass
class RecordingMetrics:
    answers: list[tuple[AppName, float, int, tuple[DefaultReason, ...]]] = field(default_factory=list)
    batches: list[tuple[ModelId, int]] = field(default_factory=list)
    lookups: list[tuple[ModelId, int, int]] = field(default_factory=list)
    coalesced_rows: int = 0
    evicted_entries: int = 0
    cache_failures: int = 0
    remote_lookups: list[tuple[int, int]] = field(default_factory=list)
    remote_dropped: int = 0
    hedged_batches: int = 0
    hedges_won: list[bool] = field(default_factory=list)
    throttles: list[ModelId] = field(default_factory=list)
    by_others: list[tuple[ModelId, str, int]] = field(default_factory=list)
    crashes: list[ModelId] = field(default_factory=list)

    def answered(self, application: AppName, latency_s: float, rows: int, reasons: Sequence[DefaultReason]) -> None:
        self.answers.append((application, latency_s, rows, tuple(reasons)))

    def batch(self, model: ModelId, rows: int, latency_s: float, queue_delay_s: float) -> None:
        self.batches.append((model, rows))

    def cache_lookup(self, model: ModelId, hits: int, misses: int) -> None:
        self.lookups.append((model, hits, misses))

    def coalesced(self, model: ModelId, rows: int) -> None:
        self.coalesced_rows += rows

    def cache_evicted(self, entries: int) -> None:
        self.evicted_entries += entries

    def cache_failed(self) -> None:
        self.cache_failures += 1

    def remote_cache_lookup(self, hits: int, misses: int) -> None:
        self.remote_lookups.append((hits, misses))

    def remote_cache_dropped(self, entries: int) -> None:
        self.remote_dropped += entries

    def hedged(self, model: ModelId) -> None:
        self.hedged_batches += 1

    def hedge_won(self, model: ModelId, *, by_copy: bool) -> None:
        self.hedges_won.append(by_copy)

    def throttled(self, model: ModelId) -> None:
        self.throttles.append(model)

    def answered_by_other(self, model: ModelId, number: str, rows: int) -> None:
        self.by_others.append((model, number, rows))

    def replica_crashed(self, model: ModelId) -> None:
        self.crashes.append(model)
