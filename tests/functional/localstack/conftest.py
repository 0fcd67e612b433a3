"""Functions on LocalStack, made and invoked with AWS's own client."""

import json
import shutil
from collections.abc import Callable
from itertools import count
from typing import Any

import boto3
import pytest

from clipper_sls.packaging.bundling import bundle_closure
from clipper_sls.testing.localstack import ACCOUNT, REGION, LocalStackUnderTest
from tests.functional.local_aws.conftest import archive

TRUST_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_numbers = count(1)


class Stack:
    """LocalStack, and short ways to make functions on it."""

    def __init__(self, server: LocalStackUnderTest) -> None:
        self.server = server
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.session = boto3.Session(**keys, region_name=REGION)
        self.functions = self.client("lambda")
        roles = self.client("iam")
        self.role = roles.create_role(RoleName="any", AssumeRolePolicyDocument=json.dumps(TRUST_LAMBDA))["Role"]["Arn"]

    def client(self, service: Any) -> Any:
        return self.session.client(service, endpoint_url=self.server.url)

    def zip_function(self, source: str, **more: Any) -> str:
        return self._made(
            f"zip-{next(_numbers)}",
            Code={"ZipFile": archive({"app.py": source})},
            **{"Runtime": "python3.13", "Handler": "app.handler", **more},
        )

    def model_function(self, function: Callable[[Any], Any], **more: Any) -> str:
        draft = self.server.image_folder / f"draft-{next(_numbers)}"
        manifest = bundle_closure(function, name="model", version="1", input_type="json", destination=draft)
        shutil.move(draft, draft.with_name(manifest.digest))
        uri = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/demo/models@sha256:{manifest.digest}"
        return self._made(f"model-{next(_numbers)}", Code={"ImageUri": uri}, PackageType="Image", **more)

    def publish_another(self, name: str) -> str:
        self.functions.update_function_configuration(FunctionName=name, Description="another")
        self.functions.get_waiter("function_updated_v2").wait(FunctionName=name)
        number: str = self.functions.publish_version(FunctionName=name)["Version"]
        return number

    def invoke(self, name: str, payload: bytes = b"{}", **more: Any) -> tuple[Any, Any]:
        answer = self.functions.invoke(FunctionName=name, Payload=payload, **more)
        return json.loads(answer["Payload"].read()), answer

    def _made(self, name: str, **more: Any) -> str:
        arguments = {"Timeout": 20, "Publish": True, **more}
        self.functions.create_function(FunctionName=name, Role=self.role, **arguments)
        self.functions.get_waiter("function_active_v2").wait(FunctionName=name)
        return name


@pytest.fixture(scope="session")
def stack(shared_localstack: LocalStackUnderTest) -> Stack:
    return Stack(shared_localstack)
