"""What every act has at hand: the engine, a connection to it, data and models, and where to put its claims."""

from dataclasses import dataclass
from typing import Any

from rich.console import Console

from clipper_sls import ClipperConnection
from examples.demo.asking import Asker
from examples.demo.claims import Claims
from examples.demo.engine import DemoEngine, Replica, wait_until
from examples.demo.models import Data

APPLICATION = "digits-app"
MODEL = "digits"
TREE = "decision tree"
SVM = "support vector machine"
DEFAULT_OUTPUT = "no idea"
READY_LIMIT_S = 30.0


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
        return self.engine.connect()

    def asker(self) -> Asker:
        return Asker(self.engine.query, APPLICATION)

    def replicas(self, version: str) -> list[Replica]:
        """The replicas of a version of the model."""
        return self.engine.replicas(MODEL, version)

    def ready_pids(self, version: str) -> set[int]:
        states = {"ready", "busy"}
        return {replica.pid for replica in self.replicas(version) if replica.state in states and replica.pid}

    def wait_for_replicas(self, version: str, count: int) -> bool:
        """Whether the version has exactly `count` replicas, all ready, in time."""
        return wait_until(lambda: len(self.ready_pids(version)) == len(self.replicas(version)) == count, READY_LIMIT_S)
