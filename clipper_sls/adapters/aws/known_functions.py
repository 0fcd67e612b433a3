"""What was learnt of each function while it was asked."""

from clipper_sls.domain.batching.latency_line import LatencyLine
from clipper_sls.domain.batching.policy import batching_for
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import ModelVersion

MAX_KNOWN = 1_000


class KnownFunction:
    def __init__(self, version: ModelVersion) -> None:
        self._line = LatencyLine()
        self.batching = batching_for(version, self._line)
        self.has_large_results = False

    def observe(self, rows: int, latency_s: float, budget_s: float) -> None:
        """A batch of `rows` was answered; see `BatchingPolicy.observe`."""
        self._line.observe(rows, latency_s)
        self.batching.observe(rows, latency_s, budget_s)


class KnownFunctions:
    """By version, and by what that was published as: a version that is deployed anew is a stranger."""

    def __init__(self) -> None:
        self._known: dict[tuple[ModelId, str], KnownFunction] = {}

    def of(self, version: ModelVersion) -> KnownFunction:
        """`version` has a function."""
        assert version.function is not None
        key = (version.id, version.function.number)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()  # they are learnt again in a few batches
            known = self._known[key] = KnownFunction(version)
        return known
