"""What cannot leave its process is refused with the name of the variable, and what to do instead."""

import functools
import socket
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clipper_sls.errors import UnpicklableError
from clipper_sls.packaging.bundling import bundle_closure

LOCK = threading.Lock()


class Service:
    def __init__(self, lock: Any) -> None:
        self.pool = [{"lock": lock}]


def refusal(function: Callable[..., Any], folder: Path) -> str:
    with pytest.raises(UnpicklableError) as caught:
        bundle_closure(function, name="m", version="1", input_type="json", destination=folder)
    return str(caught.value)


def uses_global(values: list[Any]) -> list[Any]:
    with LOCK:
        return values


def with_default(values: list[Any], lock: Any = LOCK) -> list[Any]:
    return [lock for _ in values]


def numbers() -> Iterator[int]:
    yield 1


def returning(thing: Any) -> Callable[..., Any]:
    return lambda values: [thing for _ in values]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


def test_a_connection_in_a_closure(connection: sqlite3.Connection, tmp_path: Path) -> None:
    message = refusal(lambda values: [connection for _ in values], tmp_path)
    assert "because of closure variable 'connection' (sqlite3.Connection)" in message
    assert "Create it inside the function" in message
    assert "test_a_connection_in_a_closure" in message


def test_a_lock_in_a_global(tmp_path: Path) -> None:
    assert "because of global 'LOCK' (_thread.lock)" in refusal(uses_global, tmp_path)


def test_a_lock_in_a_default(tmp_path: Path) -> None:
    assert "because of default of parameter 'lock' (_thread.lock)" in refusal(with_default, tmp_path)


def test_a_lock_deep_inside_an_object(tmp_path: Path) -> None:
    service = Service(threading.Lock())
    message = refusal(lambda values: [service for _ in values], tmp_path)
    assert "because of closure variable 'service', there service.pool[0]['lock'] (_thread.lock)" in message


def test_a_lock_in_the_object_of_a_bound_method(tmp_path: Path) -> None:
    class Predictor(Service):
        def predict(self, values: list[Any]) -> list[Any]:
            return values

    message = refusal(Predictor(threading.Lock()).predict, tmp_path)
    assert "there predict.__self__.pool[0]['lock'] (_thread.lock)" in message


def test_a_lock_in_a_partial(tmp_path: Path) -> None:
    function = functools.partial(lambda values, lock: values, lock=threading.Lock())
    assert "there partial.keywords['lock'] (_thread.lock)" in refusal(function, tmp_path)


def test_a_lock_in_a_function_that_the_function_calls(tmp_path: Path) -> None:
    lock = threading.Lock()

    def helper(value: Any) -> Any:
        return lock

    message = refusal(lambda values: [helper(value) for value in values], tmp_path)
    assert "because of closure variable 'lock' of function" in message
    assert "helper' (_thread.lock)" in message


def test_an_open_file_is_not_read_in(tmp_path: Path) -> None:
    (tmp_path / "rates.txt").write_text("1")
    with (tmp_path / "rates.txt").open() as rates:
        message = refusal(lambda values: [rates.read() for _ in values], tmp_path / "bundle")
    assert "because of closure variable 'rates' (_io.TextIOWrapper): cannot pickle an open file" in message


def test_other_things_that_live_in_one_process(tmp_path: Path) -> None:
    with socket.socket() as wire, tempfile.TemporaryFile() as file:
        for thing in (wire, file, numbers(), threading.RLock(), msgspec.json.Encoder()):
            assert not list(tmp_path.iterdir())
            assert "closure variable 'thing' (" in refusal(returning(thing), tmp_path)


class Model:
    def answer(self, values: list[Any]) -> list[Any]:
        return values


async def late(values: list[Any]) -> list[Any]:
    return values


class Late:
    async def __call__(self, values: list[Any]) -> list[Any]:
        return values


def drip(values: list[Any]) -> Iterator[Any]:
    yield from values


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (Model, "'Model' is a class; deploy one with predict"),
        (Model(), "'Model' cannot be called"),
        ([1], "'list' cannot be called"),
        (late, "'late' is an async function"),
        (Late(), "'Late' is an async function"),
        (functools.partial(late), "is an async function"),
        (drip, "'drip' is a generator function"),
        (lambda *, values: values, "must take one argument"),
        (lambda first, second: [], "must take one argument"),
    ],
)
def test_what_could_never_answer_a_batch(function: Any, text: str, tmp_path: Path) -> None:
    assert text in refusal(function, tmp_path)
    assert not list(tmp_path.iterdir())
