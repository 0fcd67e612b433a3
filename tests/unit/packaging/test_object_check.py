"""What is asked by its `predict`, and what of that no replica could make or ask."""

from typing import Any

import pytest

from clipper_sls.errors import UnpicklableError
from clipper_sls.packaging.object_check import check_object, is_served_object


class Model:
    def __init__(self, rate: float = 1.0) -> None:
        self.rate = rate

    def setup(self) -> None:
        return

    def predict(self, inputs: list[Any]) -> list[Any]:
        return inputs


class Callable(Model):
    def __call__(self, inputs: list[Any]) -> list[Any]:
        return inputs


class Static:
    @staticmethod
    def predict(inputs: list[Any]) -> list[Any]:
        return inputs


class NeedsRate(Model):
    def __init__(self, rate: float) -> None:
        super().__init__(rate)


class NeedsPath(Model):
    def load(self, path: str) -> None:
        return


class Wordless(Model):
    def predict(self) -> list[Any]:  # type: ignore[override]
        return []


class Streaming(Model):
    async def predict(self, inputs: list[Any]) -> list[Any]:  # type: ignore[override]
        return inputs


@pytest.mark.parametrize("given", [Model, Model(), Callable, Static, Static(), NeedsRate(2.0)])
def test_a_class_or_an_instance_with_predict_is_an_object(given):
    assert is_served_object(given)
    check_object(given)


@pytest.mark.parametrize("given", [Callable(), len, lambda inputs: inputs, int, object()])
def test_what_can_be_called_or_has_no_predict_is_none(given):
    assert not is_served_object(given)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (NeedsRate, r"Each replica calls NeedsRate\(\) without arguments, which cannot be: missing .*'rate'"),
        (NeedsPath, r"Each replica calls NeedsPath\.load\(\) without arguments"),
        (NeedsPath(), r"Each replica calls NeedsPath\.load\(\) without arguments"),
        (Wordless(), "must take one argument, the list of inputs"),
        (Wordless, "must take 2 arguments, the object and the list of inputs"),
        (Streaming, "is an async function"),
    ],
)
def test_what_no_replica_could_make_or_ask_is_refused(given, reason):
    with pytest.raises(UnpicklableError, match=reason):
        check_object(given)
