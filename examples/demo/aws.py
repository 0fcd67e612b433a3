"""The demo on AWS, where AWS is this machine: `clipper-sls dev --aws` in the place of the engine."""

import os
from pathlib import Path
from typing import Any

import boto3
import httpx2

from clipper_sls import ClipperConnection, LambdaContainerManager
from clipper_sls.domain.functions.names import StackNames, version_alias
from clipper_sls.domain.identifiers import ModelName, Version
from examples.demo.engine import DemoEngine, Replica

STACK = "demo"


class DemoAws(DemoEngine):
    """What the stack holds is gone when it ends: it is in MiniStack's memory."""

    what = "AWS on this machine"
    objective_ms = 1000  # a query passes the gateway and two functions, and an environment may have to start
    options = ("--aws", "--stack", STACK, "--aws-port", "0")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.endpoint = ""

    def connect(self) -> ClipperConnection:
        connection = ClipperConnection(LambdaContainerManager(STACK))
        connection.connect()
        return connection

    def replicas(self, model: str, version: str) -> list[Replica]:
        """The environments of a version's published function, as the data plane tells of them."""
        function = StackNames(STACK).function(ModelName(model))
        alias = boto3.client("lambda").get_alias(FunctionName=function, Name=version_alias(Version(version)))
        pools = httpx2.get(f"{self.endpoint}/_clipper/functions", trust_env=False).raise_for_status().json()
        return [
            Replica(one["number"], "ready" if one["ready"] else "starting", one["pid"], one["calls"])
            for pool in pools
            if (pool["function"], pool["version"]) == (function, alias["FunctionVersion"])
            for one in pool["environments"]
        ]

    def _found(self, told: dict[str, Any]) -> None:
        super()._found(told)
        self.endpoint = told["endpoint"]
        os.environ.update(told["environment"])  # for the SDK and boto3 in this process
