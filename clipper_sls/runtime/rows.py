"""Asks the user's function for a batch of rows, and keeps a bad row from spoiling the others.

When the function raises for a batch, or answers what is not an answer, the batch is halved until the bad rows stand
alone. The batch may hold rows of several callers, so every other row must get the answer it would get alone.
"""

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from clipper_sls.domain.inputs import InputType
from clipper_sls.runtime.inputs import unpack
from clipper_sls.runtime.outputs import OutputError, as_list, to_json_value

MAX_ERROR_CHARACTERS = 500
MAX_TRACEBACKS = 5
"""Tracebacks that one batch may leave in the log; a broken function would fill a disk."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Answers:
    """One output per row, None where `errors` has the row's index and what went wrong."""

    outputs: list[Any]
    errors: list[tuple[int, str]] = field(default_factory=list)


def answer(function: Callable[[Any], Any], input_type: InputType, rows: Sequence[bytes]) -> Answers:
    """Outputs and errors for `rows`, in order. Only KeyboardInterrupt and its like get past it."""
    answers = Answers(outputs=[None] * len(rows))
    waiting = [(0, len(rows))] if rows else []
    while waiting:
        start, end = waiting.pop()
        try:
            outputs = as_list(function(unpack(input_type, rows[start:end])), end - start)
        except (Exception, SystemExit) as error:
            if end - start == 1:
                _fail(answers, start, error)
            else:
                middle = (start + end) // 2
                waiting += [(middle, end), (start, middle)]
        else:
            _keep(answers, start, outputs)
    return answers


def _keep(answers: Answers, start: int, outputs: Sequence[Any]) -> None:
    for index, output in enumerate(outputs, start):
        try:
            answers.outputs[index] = to_json_value(output)
        except (Exception, SystemExit) as error:  # `tolist` and the like are code of others
            _fail(answers, index, error)


def _fail(answers: Answers, index: int, error: BaseException) -> None:
    answers.errors.append((index, describe(error)))
    if len(answers.errors) <= MAX_TRACEBACKS:
        _log.error("Row %d of %d failed\n%s", index, len(answers.outputs), _traceback(error))


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # an exception whose text raises
        return type(error).__name__


def describe(error: BaseException) -> str:
    """The first line of an error, for the caller: `ValueError: negative price`."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # an exception whose text raises
        lines = []
    message = lines[0] if lines else ""
    if isinstance(error, OutputError):
        text = message
    else:
        text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return text[:MAX_ERROR_CHARACTERS]
