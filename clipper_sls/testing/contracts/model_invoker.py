"""What every model invoker must do. A subclass has the fixture `invoker`, which asks the fixture `behind`.

`behind` answers a row of `ADDER` with its length, and fails for an empty one; `ABSENT` has no replica; `SILENT` does
not answer before it is abandoned.
"""

import asyncio
from collections.abc import Awaitable, Sequence

import pytest

from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import (
    Deadline,
    DefaultReason,
    OutputJson,
    PackedRow,
    Predicted,
    RowResult,
    Unanswered,
)
from clipper_sls.domain.records import ModelVersion
from clipper_sls.ports.model_invoker import LateOutput, ModelInvoker

ADDER = ModelVersion(ModelId.of("adder", 1), InputType.BYTES)
ABSENT = ModelVersion(ModelId.of("absent", 1), InputType.BYTES)
SILENT = ModelVersion(ModelId.of("silent", 1), InputType.BYTES)

FAILED = Unanswered(DefaultReason.MODEL_FAILED, "empty ü")
FOREVER = Deadline(float("inf"))


class Behind:
    """See above. `asked` and `late` are what came with the last call of `SILENT`."""

    def __init__(self) -> None:
        self.silent: asyncio.Future[Sequence[RowResult]] | None = None
        self.late: LateOutput | None = None
        self.callers: list[str] = []
        self.is_asked_silently = asyncio.Event()

    def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Awaitable[Sequence[RowResult]]:
        self.callers.append(caller)
        answered: asyncio.Future[Sequence[RowResult]] = asyncio.get_running_loop().create_future()
        if version.id == SILENT.id:
            self.silent, self.late = answered, late
            self.is_asked_silently.set()
        elif version.id == ADDER.id:
            answered.set_result([Predicted(OutputJson(b"%d" % len(row))) if row else FAILED for row in rows])
        else:
            answered.set_result([Unanswered(DefaultReason.NO_REPLICA)] * len(rows))
        return answered


class ModelInvokerContract:
    @pytest.fixture
    def behind(self) -> Behind:
        return Behind()

    async def test_there_is_one_result_for_each_row_in_order(self, invoker: ModelInvoker) -> None:
        rows = [b"x" * length for length in (3, 1, 2)]
        results = await invoker.invoke(ADDER, rows, FOREVER)
        assert list(results) == [Predicted(OutputJson(text)) for text in (b"3", b"1", b"2")]

    async def test_a_row_that_fails_spoils_no_other(self, invoker: ModelInvoker) -> None:
        results = await invoker.invoke(ADDER, [b"xx", b"", b"x"], FOREVER)
        assert list(results) == [Predicted(OutputJson(b"2")), FAILED, Predicted(OutputJson(b"1"))]

    async def test_a_version_without_replicas_is_no_error(self, invoker: ModelInvoker) -> None:
        results = await invoker.invoke(ABSENT, [b"x", b"y"], FOREVER)
        assert [type(result) for result in results] == [Unanswered] * 2

    async def test_calls_at_one_time_get_their_own_answers(self, invoker: ModelInvoker) -> None:
        answers = await asyncio.gather(*(invoker.invoke(ADDER, [b"x" * number], FOREVER) for number in range(1, 200)))
        assert [list(answer) for answer in answers] == [[Predicted(OutputJson(b"%d" % n))] for n in range(1, 200)]

    async def test_what_is_cancelled_is_abandoned(self, invoker: ModelInvoker, behind: Behind) -> None:
        asking = asyncio.ensure_future(invoker.invoke(SILENT, [b"x"], FOREVER))
        async with asyncio.timeout(5):
            await behind.is_asked_silently.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert behind.silent is not None
        async with asyncio.timeout(5):
            await asyncio.wait([behind.silent])
        assert behind.silent.cancelled()


class QueueingInvokerContract(ModelInvokerContract):
    """And of those behind which the rows of several applications wait in one queue, from which what is abandoned may
    have been taken already."""

    async def test_it_says_for_whom_it_asks(self, invoker: ModelInvoker, behind: Behind) -> None:
        await invoker.invoke(ADDER, [b"x"], FOREVER, None, "shop")
        assert behind.callers == ["shop"]

    async def test_what_is_cancelled_is_abandoned_and_its_output_comes_late(
        self, invoker: ModelInvoker, behind: Behind
    ) -> None:
        came: asyncio.Queue[tuple[int, OutputJson]] = asyncio.Queue()
        asking = asyncio.ensure_future(
            invoker.invoke(SILENT, [b"x"], FOREVER, lambda index, output: came.put_nowait((index, output)))
        )
        await invoker.invoke(ADDER, [b"x"], FOREVER)  # asked later, so the first has arrived
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await invoker.invoke(ADDER, [b"x"], FOREVER)
        assert behind.silent is not None
        assert behind.silent.cancelled()
        assert behind.late is not None
        behind.late(0, OutputJson(b"7"))
        assert await asyncio.wait_for(came.get(), 5) == (0, b"7")
