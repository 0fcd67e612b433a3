"""Asking a model version."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from clipper_sls.domain.query import Deadline, OutputJson, PackedRow, RowResult
from clipper_sls.domain.records import ModelVersion

LateOutput = Callable[[int, OutputJson], None]
"""Called with the index of a row and the output that came for it after `invoke` had returned without it."""


class ModelInvoker(Protocol):
    """Batching happens behind this port; the caller does not know."""

    def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Awaitable[Sequence[RowResult]]:
        """One result per row, in order, no later than shortly after `deadline`.

        Never raises for what a model or its replicas do: a row without an answer is an `Unanswered` with its reason,
        and does not spoil the others. Cancelling abandons the rows. What a model answers all the same goes to `late`.
        `caller` is the application that asks: where there is not enough for all, each has its fair share.
        """
        ...
