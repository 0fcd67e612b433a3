"""What each check has at hand: the stack, a connection to it, and AWS' own clients beside ours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import boto3

from clipper_sls import ClipperConnection
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.domain.functions.names import StackNames, version_alias
from clipper_sls.domain.identifiers import ModelName, Version
from clipper_sls.sdk import LambdaContainerManager

MODEL = "smoke"
APPLICATION = "smoke-app"
OBJECTIVE_S = 25.0  # a cold start of a model must not be a default output
MEMORY_MIB = 1024
DEFAULT_OUTPUT = "none"


def answering(word: str) -> Callable[[Sequence[Any]], list[str]]:
    """A model that says which version it is, and how large its input was."""

    def predict(rows: Sequence[Any]) -> list[str]:
        return [f"{word} {len(row)}" for row in rows]

    return predict


@dataclass(frozen=True)
class Site:
    stack: str
    region: str | None

    @property
    def names(self) -> StackNames:
        return StackNames(self.stack)

    @cached_property
    def session(self) -> boto3.Session:
        return boto3.Session(region_name=self.region)

    def client(self, service: str) -> Any:
        return cast("Any", self.session.client)(service)

    @cached_property
    def connection(self) -> ClipperConnection:
        return self._connected(snap_start=None)

    def _connected(self, *, snap_start: bool | None) -> ClipperConnection:
        manager = LambdaContainerManager(self.stack, self.region, memory_mib=MEMORY_MIB, snap_start=snap_start)
        connection = ClipperConnection(manager)
        connection.connect()
        return connection

    def deploy(self, version: str, *, snap_start: bool | None = None) -> None:
        """A version that answers its own name."""
        deploy_python_closure(
            self._connected(snap_start=snap_start), MODEL, version, "doubles", answering(f"version {version}")
        )

    def predict(self, row: Sequence[float], version: str | None = None) -> str:
        """Which version answered, and how long the row was for it; a default output comes with its reason."""
        body: dict[str, Any] = {"input": list(row)} | ({} if version is None else {"version": version})
        answer = self.connection.cm.queries.predict(APPLICATION, body)
        return f"default: {answer.get('default_explanation', '')}" if answer["default"] else str(answer["output"])

    def model_alias(self, version: str) -> tuple[str, str]:
        """Function and qualifier of a version, for AWS' own client."""
        return self.names.function(ModelName(MODEL)), version_alias(Version(version))
