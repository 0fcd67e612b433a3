"""A deployer of one version, as a process of its own: `python deployer_process.py ENDPOINT STACK VERSION REGISTRY`.

Bundle and image are made up, so that nothing of its time goes into making them. The registry is a SQLite file, below
the same service and host that the management application has.
"""

import asyncio
import random
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.function_host import FunctionHost
from clipper_sls.adapters.functions.lambda_functions import LambdaProvisioner
from clipper_sls.adapters.functions.no_bundles import NoBundles
from clipper_sls.adapters.local.sqlite_registry import SqliteRegistry
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.domain.deployment.content import BUNDLE_DIGEST_VARIABLE, FunctionContent
from clipper_sls.domain.deployment.planning import DesiredVersion
from clipper_sls.domain.deployment.steps import Step
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.domain.identifiers import ModelId, ModelName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import ModelVersion, RegistrySnapshot, Scaling
from clipper_sls.service.deploying import Deployer
from clipper_sls.service.models import ModelService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.testing.fake_functions import FakeImages
from clipper_sls.testing.ministack import ACCOUNT, REGION

MODEL = ModelName("price")


@dataclass(frozen=True)
class Management:
    """Implements `VersionRegister`."""

    aws: LambdaProvisioner
    names: StackNames
    registry: Path
    wanted: DesiredVersion

    def registered_digest(self, model: ModelId) -> str | None:
        found = snapshot(self.registry).versions.get(model)
        return found.bundle_digest if found else None

    def register(self, model: ModelId) -> None:
        image = self.wanted.content.image
        version = ModelVersion(model, InputType.DOUBLES, image, bundle_digest=image[-64:], scaling=Scaling(0, 1000))
        asyncio.run(self._add(version))

    async def _add(self, version: ModelVersion) -> None:
        stored, clock = SqliteRegistry(self.registry), SystemClock()
        view = RegistryView(registry=stored, clock=clock, max_age_s=0.0)
        host = FunctionHost(
            names=self.names,
            provisioner=self.aws,
            first_call=lambda function, alias: None,
            versions=tuple,
            clock=clock,
            chance=random.Random(),
        )
        service = ModelService(registry=view, host=host, bundles=NoBundles(), clock=clock)
        try:
            await service.add(replace(version, registered_at=clock.wall()))
        finally:
            await view.close()
            stored.close()


def snapshot(registry: Path) -> RegistrySnapshot:
    stored = SqliteRegistry(registry)
    try:
        return asyncio.run(stored.snapshot())
    finally:
        stored.close()


def desired(names: StackNames, version: str) -> DesiredVersion:
    digest = f"{version.encode().hex():0>64}"
    content = FunctionContent(
        image=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{names.image_repository}@sha256:{digest}",
        role=f"arn:aws:iam::{ACCOUNT}:role/model",
        memory_mib=512 + 64 * len(version),
        timeout_s=30,
        environment={BUNDLE_DIGEST_VARIABLE: digest, "VERSION": version},
    )
    return DesiredVersion(ModelId.of(MODEL, version), names.function(MODEL), content, Scaling(1, 4))


def deployer(endpoint: str, names: StackNames, wanted: DesiredVersion, registry: Path, tell: object) -> Deployer:
    session = any_session(REGION)
    aws = LambdaProvisioner(AwsClients(session=session, endpoint=endpoint))
    return Deployer(
        provisioner=aws,
        register=Management(aws, names, registry, wanted),
        images=FakeImages({wanted.content.image}),
        pause=lambda seconds: Event().wait(seconds / 5),
        chance=random.Random(),
        tell=tell,  # type: ignore[arg-type]
    )


def main(endpoint: str, stack: str, version: str, registry: str) -> None:
    names = StackNames(stack)
    wanted = desired(names, version)

    def tell(step: Step) -> None:
        print(step.kind, flush=True)

    deployer(endpoint, names, wanted, Path(registry), tell).deploy(wanted)


if __name__ == "__main__":
    main(*sys.argv[1:])
