"""One invocation of a published function: its event, its answer, and what goes through S3 because it is too large."""

from collections.abc import Sequence

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.adapters.aws.failures import AwsCallError, AwsFailureError
from clipper_sls.adapters.aws.invoke import invoke
from clipper_sls.adapters.aws.lambda_answers import (
    Answered,
    Outcome,
    Stored,
    Unfit,
    as_answered_by,
    outcome,
    refusal,
)
from clipper_sls.adapters.aws.payload_store import PayloadStore, ResultPlace
from clipper_sls.domain.envelope import MAX_PAYLOAD_BYTES, event_bytes, pack_event, pack_reference
from clipper_sls.domain.functions.published import PublishedFunction
from clipper_sls.domain.query import Deadline, PackedRow, Predicted
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.results import failed, read_result
from clipper_sls.ports.metrics import Metrics


class LambdaCall:
    """Without `payloads`, what is too large is an answer for none of its rows."""

    def __init__(self, *, client: AwsClient, payloads: PayloadStore | None, metrics: Metrics) -> None:
        self._client = client
        self._payloads = payloads
        self._metrics = metrics

    @property
    def can_store(self) -> bool:
        return self._payloads is not None

    async def invoke(
        self, version: ModelVersion, rows: Sequence[PackedRow], deadline: Deadline, *, may_be_large: bool
    ) -> Answered | Unfit:
        """Ask `version`, which has a function, once. With `may_be_large` a result of any size is taken."""
        assert version.function is not None
        try:
            place = self._payloads.place() if may_be_large and self._payloads else None
            event = await self._event(version, rows, deadline, None if place is None else place.url)
            if isinstance(event, Unfit):
                return event
            told = await self._asked(version.function, version.serving.is_idempotent, event, len(rows), deadline)
            if isinstance(told, Stored):
                told = await self._fetched(told, place, len(rows), deadline)
        except AwsFailureError as error:
            if isinstance(error, AwsCallError) and error.is_throttled:
                self._metrics.throttled(version.id)
            return refusal(error)
        return told if isinstance(told, Unfit) else self._named(version, version.function, told)

    async def _event(
        self, version: ModelVersion, rows: Sequence[PackedRow], deadline: Deadline, result_url: str | None
    ) -> bytes | Unfit:
        size = sum(map(len, rows))
        if event_bytes(size, len(rows)) <= MAX_PAYLOAD_BYTES:
            return pack_event(version.input_type, rows, result_url)
        if self._payloads is None:
            limit = f"AWS Lambda takes {MAX_PAYLOAD_BYTES} bytes, in base64"
            return Unfit(failed(f"An input has {size} bytes; {limit}, and no bucket for larger ones was named"))
        data_url = await self._payloads.put(b"".join(rows), deadline)
        return pack_reference(version.input_type, rows, data_url, result_url)

    async def _asked(
        self, function: PublishedFunction, may_repeat: bool, event: bytes, row_count: int, deadline: Deadline
    ) -> Outcome:
        response = await invoke(self._client, function.name, function.alias, event, deadline, may_repeat=may_repeat)
        return outcome(response, row_count)

    async def _fetched(
        self, stored: Stored, place: ResultPlace | None, row_count: int, deadline: Deadline
    ) -> Answered | Unfit:
        if self._payloads is None or place is None:
            return Unfit(failed("the function says that it stored a result, and was not told where"))
        body = await self._payloads.get(place, deadline)
        if len(body) != stored.size_bytes:
            return Unfit(failed(f"the function stored {stored.size_bytes} bytes of result; there are {len(body)}"))
        return Answered(read_result(body, row_count), stored.executed)

    def _named(self, version: ModelVersion, function: PublishedFunction, answered: Answered) -> Answered:
        results = as_answered_by(answered.results, answered.executed, function.number)
        if results is not answered.results and answered.executed is not None:
            rows = sum(isinstance(result, Predicted) for result in results)
            self._metrics.answered_by_other(version.id, answered.executed, rows)
        return Answered(results, answered.executed)
