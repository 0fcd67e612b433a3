"""As a user of AWS whose policy has the rights that the page lists, and no others, below MiniStack's own IAM."""

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import boto3
import pytest

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.image_login import image_login
from clipper_sls.adapters.functions.lambda_functions import LambdaProvisioner
from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.aws_errors import AwsAccessDeniedError, AwsCredentialsError
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.service.deploying import Deployer
from clipper_sls.testing.fake_functions import FakeImages, FakeRegister
from clipper_sls.testing.ministack import ACCOUNT, REGION, MiniStackUnderTest, ministack
from tests.functional.functions.deployer_process import desired

PAGE = Path(__file__).parents[3] / "docs" / "architecture" / "11-functions-and-aliases.md"
NAMES = StackNames("st")
FUNCTIONS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAMES.stack}-model-*"
WITHOUT_RESOURCE = {"ecr:GetAuthorizationToken", "lambda:ListFunctions", "lambda:CreateFunction"}
"""Granted for everything or for nothing; CreateFunction only here, as MiniStack does not see what is to be created."""

UserWith = Callable[[Iterable[str]], AwsClients]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStackUnderTest]:
    """An AWS that asks its IAM about each call. Whoever is `test` is its root."""
    with ministack(tmp_path_factory.mktemp("guarded"), environment={"AUTH": "true"}) as server:
        yield server


@pytest.fixture
def user_with(guarded: MiniStackUnderTest) -> UserWith:
    root = any_session(REGION)
    iam = root.client("iam", endpoint_url=guarded.url)
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="model", AssumeRolePolicyDocument=trust)

    def user(actions: Iterable[str]) -> AwsClients:
        name = f"user-{random.getrandbits(40)}"
        iam.create_user(UserName=name)
        policy = {"Version": "2012-10-17", "Statement": [_statement(action) for action in actions]}
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
        return AwsClients(session=session, endpoint=guarded.url)

    return user


def _statement(action: str) -> dict[str, str]:
    is_on_functions = action.startswith("lambda:") and action not in WITHOUT_RESOURCE
    return {"Effect": "Allow", "Action": action, "Resource": FUNCTIONS if is_on_functions else "*"}


def _listed() -> set[str]:
    return set(re.findall(r"`((?:cloudformation|lambda|ecr|logs|iam):\w+)`", PAGE.read_text()))


def _deploy(clients: AwsClients, version: str, names: StackNames = NAMES) -> None:
    wanted = desired(names, version)
    Deployer(
        provisioner=LambdaProvisioner(clients, log_retention_days=30),
        register=FakeRegister(wanted.content.bundle_digest or ""),
        images=FakeImages({wanted.content.image}),
        pause=lambda seconds: None,
        chance=random.Random(1),
        tell=lambda step: None,
    ).deploy(wanted)


def test_the_rights_that_are_listed_are_enough(user_with: UserWith) -> None:
    clients = user_with(_listed())
    for version in ("1", "two"):
        _deploy(clients, version)
    assert image_login(clients)[0] == "AWS"
    provisioner = LambdaProvisioner(clients)
    (function,) = provisioner.functions(f"{NAMES.stack}-model-")
    provisioner.delete(function)


def test_they_are_for_functions_of_the_stack_alone(user_with: UserWith) -> None:
    with pytest.raises(AwsAccessDeniedError):
        _deploy(user_with(_listed()), "1", StackNames("another"))


@pytest.mark.parametrize("missing", ["lambda:CreateFunction", "lambda:PublishVersion", "lambda:CreateAlias"])
def test_who_lacks_a_right_is_told_which_one_and_goes_on_when_it_is_given(user_with: UserWith, missing: str) -> None:
    with pytest.raises(AwsAccessDeniedError, match=f"{missing} is missing"):
        _deploy(user_with(_listed() - {missing}), "1")
    clients = user_with(_listed())
    _deploy(clients, "1")
    LambdaProvisioner(clients).delete(desired(NAMES, "1").function)


def test_who_nobody_knows_is_told_about_credentials(guarded: MiniStackUnderTest) -> None:
    session = boto3.Session("AKIANOBODY", "nothing", region_name=REGION)
    with pytest.raises(AwsCredentialsError, match="aws sso login"):
        LambdaProvisioner(AwsClients(session=session, endpoint=guarded.url)).observe("st-model-price")
