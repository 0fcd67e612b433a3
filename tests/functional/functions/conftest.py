"""A stack of its own for each module, on an AWS of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clipper_sls import ClipperConnection, LambdaContainerManager
from clipper_sls.testing.local_aws import LocalAwsUnderTest, local_aws


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAwsUnderTest]:
    """This process takes it for AWS."""
    folder = tmp_path_factory.mktemp("aws")
    with local_aws(folder, ["--stack", "st"]) as running, pytest.MonkeyPatch.context() as environment:
        for variable, value in running.environment.items():
            environment.setenv(variable, value)
        yield running


@pytest.fixture
def connection(stack: LocalAwsUnderTest, tmp_path: Path) -> Iterator[ClipperConnection]:
    """Connected, and everything is forgotten at the end."""
    connection = ClipperConnection(LambdaContainerManager(stack.names.stack, memory_mib=512))
    connection.connect()
    yield connection
    connection.stop_all()
