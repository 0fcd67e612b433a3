"""What every act has at hand: the engine, a connection to it, data and models, and where to put its claims."""

from dataclasses import dataclass
from typing import Any

import httpx2
from rich.console import Console

from clipper_sls import ClipperConnection, LocalContainerManager
from examples.demo.asking import Asker
from examples.demo.claims import Claims
from examples.demo.engine import DemoEngine, wait_until
from examples.demo.models import Data

APPLICATION = "digits-app"
MODEL = "digits"
TREE = "decision tree"
SVM = "support vector machine"
OBJECTIVE_MS = 100
DEFAULT_OUTPUT = "no idea"
READY_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Replica:
    replica_id: int
    state: str
    pid: int | None
    rows_answered: int


@dataclass(slots=True)
class Stage:
    console: Console
    claims: Claims
    engine: DemoEngine
    data: Data
    tree: Any
    svm: Any

    def connect(self) -> ClipperConnection:
        """A connection as any script makes one."""
        connection = ClipperConnection(LocalContainerManager(state_dir=self.engine.state_dir))
        connection.connect()
        return connection

    def asker(self) -> Asker:
        return Asker(self.engine.query, APPLICATION)

    def replicas(self, version: str) -> list[Replica]:
        """The replicas of a version of the model, over REST."""
        url = f"{self.engine.management}/admin/get_replicas"
        body = {"model_name": MODEL, "model_version": version}
        (pool,) = httpx2.post(url, json=body, trust_env=False).raise_for_status().json()
        fields = ("replica_id", "state", "pid", "rows_answered")
        return [Replica(*(replica[field] for field in fields)) for replica in pool["replicas"]]

    def ready_pids(self, version: str) -> set[int]:
        states = {"ready", "busy"}
        return {replica.pid for replica in self.replicas(version) if replica.state in states and replica.pid}

    def wait_for_replicas(self, version: str, count: int) -> bool:
        """Whether the version has exactly `count` replicas, all ready, in time."""
        return wait_until(lambda: len(self.ready_pids(version)) == len(self.replicas(version)) == count, READY_LIMIT_S)
