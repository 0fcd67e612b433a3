"""How functions wrapped by `functools` are pickled by value.

pickle knows them by name only, and cloudpickle leaves them to it, yet "load the model once, lazily" is most often
written with `functools.cache`, in a script that no other process can import.
"""

import functools
from collections.abc import Callable
from typing import Any

from cloudpickle.cloudpickle import list_registry_pickle_by_value

LruCache = type(functools.lru_cache(lambda: None))


class _LruCacheDecorator:
    """Loads as `functools.lru_cache(maxsize, typed)`; the pickle then calls it with the function."""

    def __init__(self, maxsize: int | None, typed: bool) -> None:
        self._arguments = (maxsize, typed)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return functools.lru_cache(*self._arguments)(function)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[int | None, bool]]:
        return functools.lru_cache, self._arguments


def _reduced_cache(wrapper: Any) -> Any:
    """With an empty cache; by name when the function's module is there to be imported."""
    function = wrapper.__wrapped__
    if not _travels_by_value(function):
        return NotImplemented
    return _LruCacheDecorator(**wrapper.cache_parameters()), (function,)


def _travels_by_value(function: Callable[..., Any]) -> bool:
    by_value = list_registry_pickle_by_value() | {"__main__"}
    parts = function.__module__.split(".")
    is_local = "<locals>" in function.__qualname__
    return is_local or any(".".join(parts[: count + 1]) in by_value for count in range(len(parts)))


def _reduced_property(wrapper: Any) -> Any:
    """Without its lock, which Python 3.11 keeps in it."""
    return functools.cached_property, (wrapper.func,), {"attrname": wrapper.attrname}


REDUCED_DECORATORS: dict[type, Callable[[Any], Any]] = {
    LruCache: _reduced_cache,
    functools.cached_property: _reduced_property,
}
