"""What was learnt of each function while it was asked."""

from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.rows_at_once import RowsAtOnce

MAX_KNOWN = 1_000


class KnownFunction:
    def __init__(self) -> None:
        self.rows_at_once = RowsAtOnce()
        self.has_large_results = False


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
            known = self._known[key] = KnownFunction()
        return known
