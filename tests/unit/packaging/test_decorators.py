"""Functions wrapped by `functools`, pickled in this process; from a script they are seen in `unit/runtime`."""

import functools
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from clipper_sls.packaging.pickling import pickle_function


def _pickled(function: Callable[..., Any]) -> bytes:
    file = io.BytesIO()
    pickle_function(function, "m", file)
    return file.getvalue()


def _squares() -> Any:
    @functools.lru_cache(maxsize=3, typed=True)
    def squared(value: int) -> int:
        return value * value

    return squared


def test_a_cache_travels_empty_with_its_bounds() -> None:
    squared = _squares()
    squared(2)
    loaded = pickle.loads(_pickled(squared))
    assert loaded.cache_parameters() == {"maxsize": 3, "typed": True}
    assert loaded.cache_info().currsize == 0
    assert [loaded(3), loaded(3)] == [9, 9]
    assert loaded.cache_info().hits == 1


def test_what_was_cached_changes_no_bytes() -> None:
    cold, warm = _squares(), _squares()
    warm(2)
    assert _pickled(cold) == _pickled(warm)


def test_a_cached_property_travels_without_what_it_found() -> None:
    class Shop:
        found = 0

        @functools.cached_property
        def price(self) -> float:
            self.found += 1
            return 1.5

        def predict(self, inputs: list[float]) -> list[float]:
            return [value * self.price for value in inputs]

    predict = pickle.loads(_pickled(Shop().predict))
    assert predict([1.0, 2.0]) == [1.5, 3.0]
    assert predict.__self__.found == 1


def test_a_cached_function_that_can_be_imported_is_named_and_not_copied() -> None:
    from fnmatch import _compile_pattern  # the standard library wraps it in a cache

    assert pickle.loads(_pickled(_compile_pattern)) is _compile_pattern


@pytest.mark.parametrize("wrap", [functools.cache, functools.lru_cache, functools.lru_cache(maxsize=0)])
def test_every_kind_of_cache_travels(wrap: Callable[..., Any]) -> None:
    loaded = pickle.loads(_pickled(wrap(lambda value: value + 1)))
    assert loaded(1) == 2
    assert hasattr(loaded, "cache_info")
