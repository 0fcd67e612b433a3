"""Servers and packages that are not of this project: tests that need one run where it is installed."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest

from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.adapters.aws.dynamodb.tables import Table
from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.testing.container_base import ContainerBase
from clipper_sls.testing.container_base import container_base as make_container_base
from clipper_sls.testing.docker_engine import DockerEngineUnderTest, docker_answers, docker_engine
from clipper_sls.testing.docker_registry import (
    BINARY,
    DockerRegistryUnderTest,
    docker_registry,
    find_docker_registry,
)
from clipper_sls.testing.dynamodb import MakeTable, aws_client, dynamo_table
from clipper_sls.testing.lambda_emulator import EmulatorError, fetch_emulator
from clipper_sls.testing.localstack import LocalStackUnderTest, find_localstack, localstack
from clipper_sls.testing.ministack import REGION, MiniStackUnderTest, ministack
from clipper_sls.testing.moto_server import MotoServerUnderTest, moto_server
from clipper_sls.testing.redis_server import BINARIES, RedisServerUnderTest, find_redis_server, redis_server

SIGNING_KEY = "CLIPPER_SLS_SIGNING_KEY"
MUST_BE_HERE = "CLIPPER_TESTS_NEED_REDIS"
REGISTRY_MUST_BE_HERE = "CLIPPER_TESTS_NEED_REGISTRY"
DOCKER_MUST_BE_HERE = "CLIPPER_TESTS_NEED_DOCKER"
TORCH_MUST_BE_HERE = "CLIPPER_TESTS_NEED_TORCH"
EMULATOR_MUST_BE_HERE = "CLIPPER_TESTS_NEED_EMULATOR"
LOCALSTACK_MUST_BE_HERE = "CLIPPER_TESTS_NEED_LOCALSTACK"
CHECKOUT = Path(__file__).parents[1]
MLFLOW_MUST_BE_HERE = "CLIPPER_TESTS_NEED_MLFLOW"
DYNAMODB_LIMIT_S = 30.0
"""Of one operation; few tests are about being slow."""


def _missing(what: str, variable: str) -> None:
    """Skips the test, or fails it where CI promised what is missing."""
    missing = f"NOT TESTED HERE: needs {what}"
    if os.environ.get(variable):  # noqa: TID251 - not a setting of the product
        pytest.fail(f"{missing}, which {variable} says is there")
    pytest.skip(missing)


@pytest.fixture(scope="session", autouse=True)
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A key for this process and its children, so that tests neither use nor make that of who runs them."""
    path = tmp_path_factory.mktemp("keys") / "signing-key.pem"
    before = os.environ.get(SIGNING_KEY)  # noqa: TID251
    os.environ[SIGNING_KEY] = str(path)  # noqa: TID251
    yield path
    if before is None:
        del os.environ[SIGNING_KEY]  # noqa: TID251
    else:
        os.environ[SIGNING_KEY] = before  # noqa: TID251


@pytest.fixture(scope="session")
def torch_is_installed() -> None:
    """Skips the test where there is no PyTorch, which is too large to be locked."""
    if find_spec("torch") is None:
        _missing("PyTorch (pip install torch)", TORCH_MUST_BE_HERE)


@pytest.fixture(scope="session")
def mlflow_is_installed() -> None:
    """Skips the test where there is no MLflow, whose many packages are not locked."""
    if find_spec("mlflow") is None or find_spec("pandas") is None:
        _missing("MLflow (pip install mlflow-skinny pandas)", MLFLOW_MUST_BE_HERE)


@pytest.fixture(scope="session")
def redis_is_installed() -> None:
    """Skips the test where there is no server; fails it where CI promised one."""
    if find_redis_server() is None:
        _missing(f"{' or '.join(BINARIES)} on PATH (on Debian: apt-get install redis-server)", MUST_BE_HERE)


@pytest.fixture
def redis(redis_is_installed: None, tmp_path: Path) -> Iterator[RedisServerUnderTest]:
    """A server of the test's own, to be killed, stopped and started again."""
    with redis_server(tmp_path / "redis") as server:
        yield server


@pytest.fixture(scope="module")
def shared_redis(redis_is_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServerUnderTest]:
    """One for all tests of a module, which use a namespace each."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def shared_ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStackUnderTest]:
    """An AWS for all tests, which use names of their own and do not reset it."""
    with ministack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@pytest.fixture(scope="session")
def aws_clients(shared_ministack: MiniStackUnderTest) -> AwsClients:
    """Clients of that AWS."""
    session = any_session(REGION)
    return AwsClients(session=session, endpoint=shared_ministack.url)


@pytest.fixture(scope="session")
def localstack_python() -> Path:
    """The interpreter of LocalStack's environment."""
    python = find_localstack(CHECKOUT)
    if python is None:
        _missing("LocalStack and Python 3.13 (make localstack-setup)", LOCALSTACK_MUST_BE_HERE)
    assert python is not None
    return python


@pytest.fixture(scope="session")
def shared_localstack(
    localstack_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalStackUnderTest]:
    """A third AWS, as the others; slow to start."""
    with localstack(localstack_python, tmp_path_factory.mktemp("localstack")) as server:
        yield server


@pytest.fixture(scope="session")
def shared_moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServerUnderTest]:
    """Another AWS for all tests, which use names of their own and do not reset it."""
    with moto_server(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def registry_is_installed() -> None:
    """Skips the test where there is no image registry; fails it where CI promised one."""
    if find_docker_registry() is None:
        _missing(f"{BINARY} on PATH (on Debian: apt-get install {BINARY})", REGISTRY_MUST_BE_HERE)


@pytest.fixture(scope="module")
def registry(
    registry_is_installed: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DockerRegistryUnderTest]:
    """One image registry for all tests of a module, which use repositories of their own."""
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="session")
def docker_is_running() -> None:
    """Skips the test where no container engine answers; fails it where CI promised one."""
    if not docker_answers():
        _missing(
            "a Docker engine (`docker version`; as root on Debian: .ci/container-engine COMMAND)", DOCKER_MUST_BE_HERE
        )


@pytest.fixture(scope="module")
def containers(docker_is_running: None) -> Iterator[DockerEngineUnderTest]:
    """The container engine; what the tests of a module made in it is removed after them."""
    with docker_engine() as running:
        yield running


@pytest.fixture(scope="session")
def container_base(
    docker_is_running: None, registry_is_installed: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ContainerBase]:
    """What images are built on, where there is a container engine to run them; made once."""
    with make_container_base(tmp_path_factory.mktemp("container base")) as made:
        yield made


@pytest.fixture(scope="session")
def emulator() -> Path:
    """AWS's own emulator; skips the test where it cannot be fetched, fails it where CI could."""
    try:
        return fetch_emulator()
    except EmulatorError as error:
        _missing(f"the Lambda Runtime Interface Emulator: {error}", EMULATOR_MUST_BE_HERE)
        raise


@pytest.fixture(params=["moto", "ministack"])
def dynamodb_url(request: pytest.FixtureRequest) -> str:
    """Each server that stands for DynamoDB; a test that asks for this is run on all of them."""
    url: str = request.getfixturevalue(f"shared_{request.param}").url
    return url


@pytest.fixture
def tables(dynamodb_url: str) -> Iterator[Callable[[Table], str]]:
    """Names of new tables."""
    with ExitStack() as opened:
        yield lambda table: opened.enter_context(dynamo_table(dynamodb_url, table))


@pytest.fixture
async def new_table(dynamodb_url: str, tables: Callable[[Table], str]) -> AsyncIterator[MakeTable]:
    """New tables as our adapters see them, by a client of this test's loop."""
    client = aws_client(dynamodb_url)
    yield lambda table: DynamoTable(client, tables(table), clock=SystemClock(), limit_s=DYNAMODB_LIMIT_S)
    await client.close()
