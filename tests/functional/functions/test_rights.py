"""What deploying and managing ask of AWS, call by call, is what the documents and the template let them do."""

import asyncio
import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.first_call import FirstCall
from clipper_sls.adapters.functions.function_host import FunctionHost
from clipper_sls.adapters.functions.function_logs import function_logs
from clipper_sls.adapters.functions.image_login import image_login
from clipper_sls.adapters.functions.lambda_functions import LambdaProvisioner
from clipper_sls.adapters.functions.no_bundles import NoBundles
from clipper_sls.adapters.functions.stacks import stack_outputs
from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.domain.identifiers import ModelId, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.service.deploying import Deployer
from clipper_sls.service.models import ModelService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.testing.fake_functions import FakeImages, FakeRegister
from clipper_sls.testing.local_aws import LocalAwsUnderTest
from clipper_sls.testing.ministack import REGION
from tests.functional.functions.deployer_process import MODEL, desired

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "architecture" / "11-functions-and-aliases.md"
NAMES = {"CloudFormation": "cloudformation", "Lambda": "lambda", "ECR": "ecr", "CloudWatch Logs": "logs"}
ACTIONS = {"Invoke": "InvokeFunction"}
"""Where the right is not named as the call is."""
SEEN_ELSEWHERE = {"iam:PassRole", "execute-api:Invoke"}
"""Rights that no call of boto3 is named after."""


@dataclass
class Watched:
    """Clients that note what is asked."""

    endpoint: str
    asked: set[str] = field(default_factory=set)

    def clients(self) -> AwsClients:
        session = any_session(REGION)
        session.events.register("before-call.*.*", self._note)
        return AwsClients(session=session, endpoint=self.endpoint)

    def _note(self, model: Any, **_: Any) -> None:
        action = ACTIONS.get(model.name, model.name)
        self.asked.add(f"{NAMES[str(model.service_model.service_id)]}:{action}")


@pytest.fixture
def watched(stack: LocalAwsUnderTest) -> Watched:
    return Watched(stack.endpoint)


def _bring(clients: AwsClients, stack: LocalAwsUnderTest, version: str, scaling: Scaling) -> None:
    wanted = desired(stack.names, version)
    deployer = Deployer(
        provisioner=LambdaProvisioner(clients, log_retention_days=30),
        register=FakeRegister(wanted.content.bundle_digest or ""),
        images=FakeImages({wanted.content.image}),
        pause=lambda seconds: None,
        chance=random.Random(1),
        tell=lambda step: None,
    )
    deployer.deploy(type(wanted)(wanted.model, wanted.function, wanted.content, scaling))


def test_the_page_lists_the_rights_that_deploying_needs(watched: Watched, stack: LocalAwsUnderTest) -> None:
    clients = watched.clients()
    stack_outputs(clients, stack.names.stack)
    assert image_login(clients)[0] == "AWS"
    for version, scaling in (("1", Scaling(1, 2)), ("two", Scaling(0, 1000)), ("1", Scaling(0, 1000))):
        _bring(clients, stack, version, scaling)
    wanted = desired(stack.names, "1")
    provisioner = LambdaProvisioner(clients)
    alias = provisioner.alias(wanted.function, wanted.alias)
    assert alias is not None
    provisioner.point_alias(wanted.function, wanted.alias, alias.number, None, alias.revision)
    function_logs(clients, wanted.function, 10)
    _print_something(stack, wanted.function)
    (log,) = function_logs(clients, wanted.function, 10)
    assert (log.number, log.text) == ("1", "hello\nworld")
    for name in provisioner.functions(wanted.function):
        provisioner.delete(name)
    listed = set(re.findall(r"`((?:cloudformation|lambda|ecr|logs|iam|execute-api):\w+)`", PAGE.read_text()))
    pushing = {one for one in listed if one.startswith("ecr:")} - {"ecr:GetAuthorizationToken"}  # not boto3's to ask
    assert watched.asked - {"lambda:GetAlias"} == listed - pushing - SEEN_ELSEWHERE


def _print_something(stack: LocalAwsUnderTest, function: str) -> None:
    logs, group = stack.clients.logs, f"/aws/lambda/{function}"
    where = {"logGroupName": group, "logStreamName": "2026/11/26/[1]0123456789abcdef"}
    logs.create_log_stream(**where)
    events = [{"timestamp": 1_790_000_000_000 + n, "message": f"{text}\n"} for n, text in enumerate(("hello", "world"))]
    logs.put_log_events(**where, logEvents=events)


def test_the_templates_policy_has_what_management_asks_for(watched: Watched, stack: LocalAwsUnderTest) -> None:
    for version in ("1", "two"):
        _bring(stack.clients, stack, version, Scaling(0, 1000))
    asyncio.run(_manage(watched.clients(), stack))
    statement = (ROOT / "template.yaml").read_text().partition("ManagementRole:")[2].partition("ModelRole:")[0]
    allowed = set(re.findall(r"lambda:\w+", statement))
    assert "lambda:UpdateFunctionCode" not in allowed
    asked = {one for one in watched.asked if one.startswith("lambda:")}
    assert asked - allowed == set()
    assert {"lambda:UpdateAlias", "lambda:DeleteFunction", "lambda:PutProvisionedConcurrencyConfig"} <= asked


async def _manage(clients: AwsClients, stack: LocalAwsUnderTest) -> None:
    """Everything that the management function does with functions."""
    clock = SystemClock()
    view = RegistryView(registry=MemoryRegistry(), clock=clock, max_age_s=0.0)
    host = FunctionHost(
        names=stack.names,
        provisioner=LambdaProvisioner(clients),
        first_call=lambda function, alias: FirstCall(clients)(function, alias) and None,  # there is no such bundle
        versions=lambda: tuple(view.snapshot.versions.values()),
        clock=clock,
        chance=random.Random(1),
    )
    service = ModelService(registry=view, host=host, bundles=NoBundles(), clock=clock)
    for version in ("1", "two"):
        wanted = desired(stack.names, version)
        image = wanted.content.image
        await service.add(ModelVersion(wanted.model, InputType.DOUBLES, image, bundle_digest=image[-64:]))
    one = ModelId.of(MODEL, "1")
    await service.roll_back(MODEL)
    await service.set_canary(MODEL, Version("two"), 10.0)
    for scaling in (Scaling(1, 3), Scaling(0, 1000)):
        await service.scale(one, scaling)
        host.pools()
    for version in ("two", "1"):
        await service.delete(ModelId.of(MODEL, version))
    await view.close()
