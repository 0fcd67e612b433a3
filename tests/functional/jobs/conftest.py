"""Real engines with jobs."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine
from clipper_sls.testing.job_client import JobClient

LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Served(JobClient):
    """An engine, and its clients."""

    engine: EngineUnderTest
    connection: ClipperConnection


@pytest.fixture(scope="module")
def open_engine() -> Iterator[Callable[..., Served]]:
    """An engine on a state directory, with settings; it ends with the module, or when a test ends it."""
    with ExitStack() as opened:

        def run(state_dir: Path, *options: str, **settings: object) -> Served:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in settings.items():
                    patch.setenv(f"CLIPPER_SLS_{name.upper()}", str(value))
                engine = opened.enter_context(embedded_engine(state_dir, options))
            connection = ClipperConnection(LocalContainerManager(state_dir=state_dir))
            connection.connect()
            http = httpx2.Client(base_url=engine.query, timeout=LIMIT_S, trust_env=False, verify=False)
            return Served(opened.enter_context(http), engine, connection)

        yield run
