import random

import pytest

from clipper_sls.domain.bulk.pace import Pace
from clipper_sls.domain.bulk.rows import BulkRow, RowAnswer
from clipper_sls.domain.query import OutputJson
from clipper_sls.errors import NotServedError, RequestFailedError, RequestTooLargeError
from clipper_sls.service.bulk_asking import TRIES, RowAsker
from clipper_sls.testing.bulk import FakeBulkPredictor, row_numbers
from clipper_sls.testing.clock import SkippingClock


def asker(predictor: FakeBulkPredictor, most: int = 1_000) -> RowAsker:
    return RowAsker(predictor=predictor, pace=Pace(most), clock=SkippingClock(), chance=random.Random(1))


def rows(count: int) -> list[BulkRow]:
    return [BulkRow(b"%d" % number) for number in range(count)]


async def test_each_row_has_its_own_answer_and_is_asked_once() -> None:
    predictor = FakeBulkPredictor()
    found = await asker(predictor).ask(rows(300))
    assert [row.output for row in found] == [b"%d" % number for number in range(300)]
    assert row_numbers(predictor.batches) == list(range(300))


async def test_rows_that_are_no_inputs_are_not_asked() -> None:
    predictor = FakeBulkPredictor()
    found = await asker(predictor).ask([BulkRow(b"1"), BulkRow(None, "empty", ("k",)), BulkRow(b"3")])
    assert [row.output for row in found] == [b"1", None, b"3"]
    assert (found[1].error, found[1].kept) == ("invalid_input: empty", ("k",))
    assert predictor.batches == [[b"1", b"3"]]


async def test_late_rows_are_asked_again_in_smaller_batches_until_they_are_in_time() -> None:
    predictor = FakeBulkPredictor(most_in_time=5)
    found = await asker(predictor).ask(rows(100))
    assert [row.output for row in found] == [b"%d" % number for number in range(100)]
    assert len(predictor.batches[-1]) <= 5


async def test_a_row_that_is_always_late_gets_its_default_in_the_end() -> None:
    predictor = FakeBulkPredictor(most_in_time=0)
    (found,) = await asker(predictor).ask(rows(1))
    assert (found.output, found.is_default, found.error) == (b"-1", True, "timed_out")
    assert len(predictor.batches) == TRIES


async def test_a_row_on_which_the_model_fails_is_not_asked_again() -> None:
    failed = RowAnswer(OutputJson(b"-1"), "model_failed", "ValueError: no")
    predictor = FakeBulkPredictor(defaults={b"1": failed})
    found = await asker(predictor).ask(rows(3))
    assert [row.is_default for row in found] == [False, True, False]
    assert found[1].error == "model_failed: ValueError: no"
    assert len(predictor.batches) == 1


async def test_of_a_refused_batch_only_the_row_that_is_to_blame_has_no_answer() -> None:
    predictor = FakeBulkPredictor(refused=frozenset({b"7", b"20"}))
    found = await asker(predictor).ask(rows(30))
    assert [number for number, row in enumerate(found) if row.output is None] == [7, 20]
    assert found[7].error == "invalid_input: an input is of another type"


async def test_a_batch_that_is_too_large_is_asked_in_parts() -> None:
    predictor = FakeBulkPredictor(failures=[RequestTooLargeError("too large")])
    found = await asker(predictor).ask(rows(10))
    assert [row.output for row in found] == [b"%d" % number for number in range(10)]
    assert [len(batch) for batch in predictor.batches] == [10, 5, 5]


async def test_who_cannot_be_reached_is_asked_again() -> None:
    predictor = FakeBulkPredictor(failures=[RequestFailedError("gone")] * (TRIES - 1))
    assert [row.output for row in await asker(predictor).ask(rows(2))] == [b"0", b"1"]


async def test_who_cannot_be_reached_for_long_ends_the_run() -> None:
    predictor = FakeBulkPredictor(failures=[RequestFailedError("gone")] * TRIES)
    with pytest.raises(RequestFailedError, match="gone"):
        await asker(predictor).ask(rows(2))


async def test_without_a_model_no_file_is_filled_with_default_outputs() -> None:
    predictor = FakeBulkPredictor(defaults={b"0": RowAnswer(OutputJson(b"-1"), "no_model_linked")})
    with pytest.raises(NotServedError, match="clipper-sls link"):
        await asker(predictor).ask(rows(1))
