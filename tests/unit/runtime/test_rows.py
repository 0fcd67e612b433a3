"""One bad row never spoils the others."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.inputs import InputType, pack_json
from clipper_sls.runtime.rows import MAX_TRACEBACKS, Answers, answer, describe


def ask(function: Callable[[Any], Any], values: list[Any]) -> Answers:
    return answer(function, InputType.JSON, [pack_json(value) for value in values])


def raise_for_negative(values: list[int]) -> list[int]:
    for value in values:
        if value < 0:
            raise ValueError(f"negative price {value}")
    return [value * 2 for value in values]


def drop_negative(values: list[int]) -> list[int]:
    return [value * 2 for value in values if value >= 0]


def nan_for_negative(values: list[int]) -> list[float]:
    return [value * 2 if value >= 0 else float("nan") for value in values]


def exit_for_negative(values: list[int]) -> list[int]:
    if min(values, default=0) < 0:
        raise SystemExit("negative")
    return [value * 2 for value in values]


def no_memory_for_negative(values: list[int]) -> list[int]:
    if min(values, default=0) < 0:
        raise MemoryError
    return [value * 2 for value in values]


@pytest.mark.parametrize(
    "function", [raise_for_negative, drop_negative, nan_for_negative, exit_for_negative, no_memory_for_negative]
)
@given(values=st.lists(st.integers(-5, 20), max_size=40))
def test_every_row_gets_what_it_would_get_alone(function: Callable[[Any], Any], values: list[int]) -> None:
    logging.disable()
    try:
        together = ask(function, values)
        alone = [ask(function, [value]) for value in values]
    finally:
        logging.disable(logging.NOTSET)
    assert together.outputs == [answers.outputs[0] for answers in alone]
    assert together.errors == [(index, text) for index, answers in enumerate(alone) for _, text in answers.errors]
    assert [output for output in together.outputs if output is not None] == [v * 2 for v in values if v >= 0]


def test_each_bad_row_has_its_own_error() -> None:
    answers = ask(raise_for_negative, [1, -2, 3, -4])
    assert answers.outputs == [2, None, 6, None]
    assert answers.errors == [(1, "ValueError: negative price -2"), (3, "ValueError: negative price -4")]


def test_a_good_batch_is_one_call() -> None:
    sizes = []

    def count(values: list[int]) -> list[int]:
        sizes.append(len(values))
        return values

    ask(count, [1, 2, 3])
    assert sizes == [3]


def test_one_bad_row_costs_a_number_of_calls_that_grows_with_the_logarithm() -> None:
    sizes = []

    def count(values: list[int]) -> list[int]:
        sizes.append(len(values))
        return raise_for_negative(values)

    ask(count, [*range(1023), -1])
    assert len(sizes) == 1 + 2 * 10


def test_a_batch_that_failed_half_way_is_asked_again_with_its_inputs_untouched() -> None:
    def spoil_then_raise(values: list[list[int]]) -> list[int]:
        for value in values:
            value[0] += 1
            if value[0] == 3:
                raise ValueError("three")
        return [value[0] for value in values]

    assert ask(spoil_then_raise, [[1], [2], [5]]).outputs == [2, None, 6]


def test_no_rows_ask_nothing() -> None:
    def fail(values: list[int]) -> list[int]:
        raise AssertionError

    assert ask(fail, []) == Answers(outputs=[])


def test_keyboard_interrupt_is_nobodys_row() -> None:
    def interrupted(values: list[int]) -> list[int]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(interrupted, [1, 2])


def test_the_log_holds_tracebacks_but_not_of_every_row(caplog: pytest.LogCaptureFixture) -> None:
    ask(raise_for_negative, [-1] * 50)
    assert len(caplog.records) == MAX_TRACEBACKS
    assert "in raise_for_negative" in caplog.text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("negative price"), "ValueError: negative price"),
        (ValueError("first\nsecond"), "ValueError: first"),
        (ValueError(), "ValueError"),
        (KeyError("a"), "KeyError: 'a'"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_an_error_is_told_by_its_first_line(error: BaseException, text: str) -> None:
    assert describe(error) == text


def test_an_error_is_told_in_500_characters_at_most() -> None:
    assert len(describe(ValueError("x" * 10_000))) == 500


def test_an_error_whose_text_fails_is_told_by_its_class() -> None:
    class UntellableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail(values: list[int]) -> list[int]:
        raise UntellableError

    assert ask(fail, [1]).errors == [(0, "UntellableError")]
