"""Model versions brought onto LocalStack by our own deployer, and asked through their aliases."""

import random
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.lambda_functions import LambdaProvisioner
from clipper_sls.bootstrap.function_images import FolderImages
from clipper_sls.domain.deployment.content import BUNDLE_DIGEST_VARIABLE, Architecture, FunctionContent
from clipper_sls.domain.deployment.observed import WeightedNumber
from clipper_sls.domain.deployment.planning import DesiredVersion
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.functions.names import StackNames, version_alias
from clipper_sls.domain.functions.published import CURRENT_ALIAS
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Scaling
from clipper_sls.packaging.bundling import bundle_closure
from clipper_sls.packaging.signing import Signer
from clipper_sls.service.deploying import Deployer
from clipper_sls.testing.fake_functions import FakeRegister
from clipper_sls.testing.localstack import ACCOUNT, REGION
from tests.functional.localstack.conftest import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NAMES = StackNames("demo")
REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{NAMES.image_repository}"
_numbers = count(1)


def _adding(number: int) -> Callable[[Any], Any]:
    return lambda inputs: [value + number for value in inputs]


EVENT = pack_event(InputType.JSON, [b"10"])


class Deployment:
    """Deploys versions of one model, and asks them."""

    def __init__(self, stack: Stack, folder: Path, name: str) -> None:
        self._stack = stack
        self._folder = folder
        self._name = name
        self.function = NAMES.function(ModelId.of(name, 1).name)
        self.provisioner = LambdaProvisioner(AwsClients(session=stack.session, endpoint=stack.server.url))
        self._registered: dict[ModelId, str] = {}
        self._signer = Signer(folder / "key.pem", None)

    def deploy(self, version: int, function: Callable[[Any], Any]) -> bool:
        """Whether anything had to be done."""
        model = ModelId.of(self._name, version)
        bundle = self._folder / f"bundle-{next(_numbers)}"
        manifest = bundle_closure(
            function, name=self._name, version=str(version), input_type="json", destination=bundle
        )
        images = FolderImages(self._stack.server.image_folder, REPOSITORY, self._signer)
        content = FunctionContent(
            image=images.prepare(model, bundle, Architecture.X86_64),
            role=self._stack.role,
            memory_mib=512,
            timeout_s=20,
            environment={BUNDLE_DIGEST_VARIABLE: manifest.digest},
        )
        deployer = Deployer(
            provisioner=self.provisioner,
            register=FakeRegister(manifest.digest, self._registered),
            images=images,
            pause=Event().wait,
            chance=random.Random(1),
            tell=lambda step: None,
        )
        return deployer.deploy(DesiredVersion(model, self.function, content, Scaling(0, 4)))

    def number(self, version: int) -> str:
        alias = self.provisioner.alias(self.function, version_alias(ModelId.of(self._name, version).version))
        assert alias is not None
        return alias.number

    def switch(self, version: int, canary: WeightedNumber | None = None) -> None:
        """Let `version` answer as the current one."""
        now = self.provisioner.alias(self.function, CURRENT_ALIAS)
        revision = None if now is None else now.revision
        self.provisioner.point_alias(self.function, CURRENT_ALIAS, self.number(version), canary, revision)

    def ask(self, alias: str) -> tuple[Any, str]:
        """The output, and the number of who gave it."""
        told, answer = self._stack.invoke(self.function, EVENT, Qualifier=alias)
        return told["outputs"][0], answer["ExecutedVersion"]


@pytest.fixture
def deployment(stack: Stack, tmp_path: Path, request: pytest.FixtureRequest) -> Deployment:
    name = request.node.name.replace("_", "-")[:40].rstrip("-")
    deployed = Deployment(stack, tmp_path, name)
    deployed.deploy(1, _adding(1))
    deployed.deploy(2, _adding(2))
    return deployed


def test_each_version_answers_at_its_alias(deployment: Deployment) -> None:
    assert deployment.ask("v-1") == (11, deployment.number(1))
    assert deployment.ask("v-2") == (12, deployment.number(2))


def test_what_is_deployed_needs_nothing_more(deployment: Deployment) -> None:
    assert not deployment.deploy(2, _adding(2))


def test_a_rollback_counts_for_the_next_call(deployment: Deployment) -> None:
    outputs = []
    for version in (1, 2, 1):
        deployment.switch(version)
        outputs.append(deployment.ask(CURRENT_ALIAS)[0])
    assert outputs == [11, 12, 11]


def test_a_canary_gets_its_share(deployment: Deployment) -> None:
    deployment.switch(1)
    deployment.switch(1, WeightedNumber(deployment.number(2), 0.5))
    answers = [deployment.ask(CURRENT_ALIAS) for _ in range(60)]
    drawn = Counter(answers)
    assert set(drawn) == {(11, deployment.number(1)), (12, deployment.number(2))}
    assert min(drawn.values()) >= 10  # of 60 at one half, fewer come once in ten million times
