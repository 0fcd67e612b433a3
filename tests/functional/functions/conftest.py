"""A stack of its own for each module, in the AWS that all share."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from clipper_sls import ClipperConnection, LambdaContainerManager
from clipper_sls.testing.aws_stack import StackUnderTest, aws_stack
from clipper_sls.testing.ministack import MiniStackUnderTest

_numbers = count(1)


@pytest.fixture(scope="module")
def stack(shared_ministack: MiniStackUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    name = f"st{next(_numbers)}"
    folder = tmp_path_factory.mktemp(name)
    with aws_stack(shared_ministack.url, folder, name) as running, pytest.MonkeyPatch.context() as environment:
        for variable, value in running.environment.items():
            environment.setenv(variable, value)
        yield running


@pytest.fixture
def connection(stack: StackUnderTest, tmp_path: Path) -> Iterator[ClipperConnection]:
    """Connected, and everything is forgotten at the end."""
    connection = ClipperConnection(LambdaContainerManager(stack.names.stack, memory_mib=512))
    connection.connect()
    yield connection
    connection.stop_all()
