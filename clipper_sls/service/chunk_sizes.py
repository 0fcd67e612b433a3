"""How many rows of jobs a version is asked at one time."""

from clipper_sls.domain.batching import BatchingPolicy, batching_for
from clipper_sls.domain.batching.latency_line import LatencyLine
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import ModelVersion, RegistrySnapshot

MAX_CHUNK_ROWS = 1_000
MAX_VERSIONS = 1_000
"""Remembered; then all are learnt anew."""


class ChunkSizes:
    """A policy of batching for each version, which learns from what chunks take."""

    def __init__(self) -> None:
        self._policies: dict[ModelId, tuple[LatencyLine, BatchingPolicy]] = {}

    def next_size(self, version: ModelVersion, budget_s: float) -> int:
        """Rows of the next chunk of `version`."""
        return min(MAX_CHUNK_ROWS, self._of(version)[1].next_size(budget_s))

    def observe(self, version: ModelVersion, size: int, latency_s: float, budget_s: float) -> None:
        """A chunk of `size` rows took `latency_s`."""
        line, policy = self._of(version)
        line.observe(size, latency_s)
        policy.observe(size, latency_s, budget_s)

    def _of(self, version: ModelVersion) -> tuple[LatencyLine, BatchingPolicy]:
        if version.id not in self._policies:
            if len(self._policies) >= MAX_VERSIONS:
                self._policies.clear()
            line = LatencyLine()
            self._policies[version.id] = line, batching_for(version, line)
        return self._policies[version.id]


def budget_s(snapshot: RegistrySnapshot, version: ModelVersion, most_s: float) -> float:
    """What a row of a job may take: as long as the most urgent application of the model allows, and `most_s` at most.

    A chunk takes a share of that, so a query that comes while a replica works on one still has its answer in time.
    """
    objectives = [application.slo_s for application in snapshot.applications_of(version.id.name)]
    return min([most_s, *objectives])
