"""Refuses, at deploy time, what could never answer a batch: not a function, or one that returns no list."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from clipper_sls.errors import UnpicklableError

MODEL, INPUTS = "the model", "the list of inputs"


def check_function(function: object, takes: Sequence[str] = (INPUTS,)) -> None:
    """Raises UnpicklableError unless `function` can be called with what `takes` says in words, and then returns."""
    named = f"{getattr(function, '__qualname__', type(function).__qualname__)!r}"
    if inspect.isclass(function):
        raise UnpicklableError(
            f"{named} is a class; deploy one with predict(inputs), an instance with __call__, or a function"
        )
    if not callable(function):
        raise UnpicklableError(f"{named} cannot be called; deploy a function that takes {' and '.join(takes)}")
    body = _body(function)
    if inspect.iscoroutinefunction(body) or inspect.isasyncgenfunction(body):
        raise UnpicklableError(
            f"{named} is an async function; a model is called with a whole batch and answers with a list, so deploy a "
            f"plain 'def', which may run asyncio.run(...) inside"
        )
    if inspect.isgeneratorfunction(body):
        raise UnpicklableError(f"{named} is a generator function; return a list with one output per input instead")
    _check_signature(function, named, takes)


def _body(function: Callable[..., Any]) -> Callable[..., Any]:
    """What runs when `function` is called: below a partial, and the `__call__` of an instance."""
    while isinstance(function, functools.partial):
        function = function.func
    is_plain = inspect.isroutine(function)
    return function if is_plain else type(function).__call__


def _check_signature(function: Callable[..., Any], named: str, takes: Sequence[str]) -> None:
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # some functions written in C have none
        return
    try:
        signature.bind(*takes)
    except TypeError as error:
        raise UnpicklableError(
            f"{named} must take {_counted(takes)}, but has the parameters {signature}: {error}. "
            f"Bind the others with functools.partial or a lambda"
        ) from error


def _counted(takes: Sequence[str]) -> str:
    return f"one argument, {takes[0]}" if len(takes) == 1 else f"{len(takes)} arguments, {' and '.join(takes)}"
