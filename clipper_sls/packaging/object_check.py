"""Tells objects that are asked by their `predict` from functions; refuses those that no replica could make or ask."""

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Protocol

from clipper_sls.domain.bundle import SET_UP_METHODS
from clipper_sls.errors import UnpicklableError
from clipper_sls.packaging.function_check import INPUTS, check_function

SELF = "the object"


class Predictor(Protocol):
    """It may have `setup()` or `load()`, too."""

    def predict(self, inputs: Any, /) -> Any: ...


Served = Callable[[Any], Any] | Predictor | type
"""What can be deployed without a model beside it."""


def is_served_object(given: object) -> bool:
    """Whether it is a class or an instance with a `predict`. What can be called itself is a function."""
    return hasattr(given, "predict") and (inspect.isclass(given) or not callable(given))


def check_object(given: Any) -> None:
    """Raises UnpicklableError unless a replica can make it, if it is a class, set it up, and ask it for predictions."""
    if inspect.isclass(given):
        _check_call(given, (), f"{given.__qualname__}()")
    for name in SET_UP_METHODS:
        if hasattr(given, name):
            _check_call(getattr(given, name), _before(given, name), f"{_named(given)}.{name}()")
    check_function(given.predict, (*_before(given, "predict"), INPUTS))


def _before(given: object, method: str) -> Sequence[str]:
    """What comes before a method's own arguments when it is taken from `given`, in words."""
    is_unbound = inspect.isclass(given) and isinstance(inspect.getattr_static(given, method), FunctionType)
    return (SELF,) if is_unbound else ()


def _check_call(called: Callable[..., Any], arguments: Sequence[str], described: str) -> None:
    try:
        signature = inspect.signature(called)
    except (ValueError, TypeError):  # some that are written in C have none
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise UnpicklableError(
            f"Each replica calls {described} without arguments, which cannot be: {error}. Give the arguments defaults, "
            f"or deploy an instance that was made with them"
        ) from error


def _named(given: object) -> str:
    return str(getattr(given, "__qualname__", type(given).__qualname__))
