"""What AWS says of published versions where its emulators say more, and what is made beside a function."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.lambda_functions import LambdaProvisioner
from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.domain.deployment.observed import Readiness
from clipper_sls.testing.contracts.provisioner import CONTENT, looked, published
from clipper_sls.testing.ministack import REGION, MiniStackUnderTest

STATES = ("State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason")


class _AsAws:
    """MiniStack's answers as AWS gives them: lists say nothing of states, and a version is pending at first."""

    def __init__(self, endpoint: str) -> None:
        session = any_session(REGION)
        session.events.register("after-call.lambda.ListVersionsByFunction", self._without_states)
        session.events.register("after-call.lambda.GetFunction", self._in_its_state)
        self.clients = AwsClients(session=session, endpoint=endpoint)
        self.state = "Pending"
        self.looks = 0

    def _without_states(self, parsed: dict[str, Any], **_: Any) -> None:
        for version in parsed["Versions"]:
            for name in STATES:
                version.pop(name, None)

    def _in_its_state(self, parsed: dict[str, Any], **_: Any) -> None:
        if parsed.get("Configuration", {}).get("Version", "$LATEST") != "$LATEST":
            self.looks += 1
            parsed["Configuration"]["State"] = self.state


@pytest.fixture
def aws(shared_ministack: MiniStackUnderTest) -> _AsAws:
    return _AsAws(shared_ministack.url)


@pytest.fixture
def function(aws: _AsAws) -> Iterator[str]:
    name = f"st-model-{uuid4().hex}"
    yield name
    LambdaProvisioner(aws.clients).delete(name)


def test_a_published_version_is_pending_until_it_is_active(aws: _AsAws, function: str) -> None:
    provisioner = LambdaProvisioner(aws.clients)
    published(provisioner, function, CONTENT)
    assert looked(provisioner, function).published[0].readiness is Readiness.PENDING
    aws.state = "Active"
    assert looked(provisioner, function).published[0].readiness is Readiness.READY
    before = aws.looks
    assert looked(provisioner, function).published[0].content == CONTENT
    assert aws.looks == before  # what is active stays as it is


def test_a_version_that_failed_is_known_as_failed(aws: _AsAws, function: str) -> None:
    provisioner = LambdaProvisioner(aws.clients)
    published(provisioner, function, CONTENT)
    aws.state = "Failed"
    assert looked(provisioner, function).published[0].readiness is Readiness.FAILED


def test_logs_of_a_new_function_are_kept_as_long_as_the_stack_says(aws: _AsAws, function: str) -> None:
    provisioner = LambdaProvisioner(aws.clients, log_retention_days=14)
    for _ in range(2):  # broken off after the log group, and again
        provisioner.create(function, CONTENT)
        provisioner.delete(function)
    groups = aws.clients.logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{function}")["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [14]
