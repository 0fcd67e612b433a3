"""Calls whose futures belong to no running loop."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from clipper_sls.adapters.engine.calls import Call
from clipper_sls.domain.query import Deadline

MakeCall = Callable[..., Call]


@pytest.fixture(scope="session")
def make_call() -> Iterator[MakeCall]:
    """A call that arrived at 0; its rows are its name and their number, unless they are given."""
    loop = asyncio.new_event_loop()

    def make(deadline: float = 10.0, count: int = 1, name: str = "row", rows: list[bytes] | None = None) -> Call:
        rows = [f"{name} {number}".encode() for number in range(count)] if rows is None else rows
        return Call(rows, arrived_at=0.0, deadline=Deadline(deadline), answered=loop.create_future())

    yield make
    loop.close()
