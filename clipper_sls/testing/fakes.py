"""Fakes of the ports that have no in-memory adapter. They remember what was asked of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, PackedRow, Predicted, RowResult, Unanswered
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.domain.replicas import Health, PoolStatus, ReplicaState, ReplicaStatus
from clipper_sls.errors import ModelStartError
from clipper_sls.ports.model_invoker import LateOutput

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
    ) -> Sequence[RowResult]:
        self.asked.append((version.id, tuple(rows), deadline))
        model = self.models.get(version.id)
        if model is None:
            return [Unanswered(DefaultReason.NO_REPLICA)] * len(rows)
        return [model(row) for row in rows]


@dataclass
class FakeModelHost:
    """Starts at once what is not in `broken`."""

    broken: set[ModelId] = field(default_factory=set)
    hosted: dict[ModelId, Scaling] = field(default_factory=dict)
    resumed: list[ModelId] = field(default_factory=list)

    async def start(self, version: ModelVersion) -> None:
        if version.id in self.broken:
            raise ModelStartError(f"Model {version.id} did not start; its log:\nboom")
        self.hosted[version.id] = version.scaling

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
class RecordingMetrics:
    answers: list[tuple[AppName, float, int, tuple[DefaultReason, ...]]] = field(default_factory=list)
    batches: list[tuple[ModelId, int]] = field(default_factory=list)
    lookups: list[tuple[ModelId, int, int]] = field(default_factory=list)
    coalesced_rows: int = 0
    evicted_entries: int = 0
    cache_failures: int = 0
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

    def replica_crashed(self, model: ModelId) -> None:
        self.crashes.append(model)
