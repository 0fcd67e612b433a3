"""`sam validate`, `sam build` and `sam deploy`, as anybody runs them; the last into MiniStack."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from clipper_sls.domain.changes import Put
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Switch
from clipper_sls.testing.ministack import REGION, MiniStackUnderTest
from clipper_sls.testing.stack_resources import StackUnderTest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FUNCTIONS = {
    "QueryFunction": "query",
    "ManagementFunction": "management",
    "JobsFunction": "jobs",
    "WarmUpFunction": "warmup",
}
MIB = 1024 * 1024
LARGEST_MIB = {"QueryFunction": 120, "ManagementFunction": 160}
"""Unpacked. Lambda takes 250 MB; what is smaller starts sooner."""
SUM = ModelId.of("sum", 1)


def test_the_template_is_valid(sam) -> None:
    done = sam("validate", "--lint")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_function_is_built(built: Path) -> None:
    for function, handler in FUNCTIONS.items():
        assert (built / function / "handlers" / f"{handler}.py").is_file()
        assert not list((built / function).rglob("*.dist-info/direct_url.json"))


@pytest.mark.parametrize("function", LARGEST_MIB)
def test_a_function_stays_small(built: Path, function: str) -> None:
    size = sum(path.stat().st_size for path in (built / function).rglob("*") if path.is_file())
    assert size < LARGEST_MIB[function] * MIB


@pytest.mark.parametrize("function", ["QueryFunction", "JobsFunction", "WarmUpFunction"])
def test_only_management_brings_boto3(built: Path, function: str) -> None:
    assert not (built / function / "boto3").exists()
    assert (built / "ManagementFunction" / "boto3").is_dir()


@pytest.mark.parametrize(("function", "handler"), FUNCTIONS.items())
def test_a_function_needs_nothing_that_it_does_not_bring(built: Path, function: str, handler: str) -> None:
    """But for what answers other than predictions; that is asked for below."""
    _run_alone(built / function, f"import handlers.{handler}")


def test_what_the_query_function_imports_later_it_brings_too(built: Path) -> None:
    _run_alone(
        built / "QueryFunction",
        "import clipper_sls.http.query_app, aws_lambda_powertools.metrics, clipper_sls.service.feedback, "
        "clipper_sls.adapters.redis.cluster_cache, clipper_sls.adapters.aws.dynamodb.prediction_cache",
    )


def _run_alone(folder: Path, code: str) -> None:
    """Without the packages of this environment."""
    environment = {
        "CLIPPER_SLS_STACK_NAME": "shop",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    alone = f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", alone], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_a_deployed_stack_answers(sam, built: Path, shared_ministack: MiniStackUnderTest) -> None:
    stack = StackUnderTest(shared_ministack.url, StackNames("by-sam"))
    _deploy(sam, built, stack)
    described = stack.client("cloudformation").describe_stacks(StackName="by-sam")["Stacks"][0]
    assert described["StackStatus"] == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
    assert outputs["PayloadBucket"] == stack.bucket
    assert outputs["ModelRepositoryUri"].endswith(stack.names.image_repository)
    _register(stack)
    answer = _post(outputs["QueryUrl"], shared_ministack.url, "/digits/predict", {"input": [40.0, 2.0]})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["output"], answer.json()["default"]) == (42.0, False)
    told = _post(outputs["ManagementUrl"], shared_ministack.url, "/admin/get_all_applications", {"verbose": False})
    assert (told.status_code, told.json()) == (200, ["digits"])


def _deploy(sam: Any, built: Path, stack: StackUnderTest) -> None:
    stack.client("s3").create_bucket(Bucket="code-of-sam")
    done = sam(
        "deploy",
        *("--template-file", str(built / "template.yaml"), "--stack-name", stack.names.stack),
        *("--s3-bucket", "code-of-sam", "--no-resolve-s3", "--no-confirm-changeset", "--no-progressbar"),
        environment={"AWS_ENDPOINT_URL": stack.url},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _register(stack: StackUnderTest) -> None:
    digits = Application(AppName("digits"), InputType.DOUBLES, "none", 20_000_000)
    version = ModelVersion(SUM, InputType.DOUBLES, bundle_digest="a" * 64, function=stack.add_model(SUM))
    current = Current(SUM.name, (Switch(SUM.version, 0.0),))
    stack.register([Put(one) for one in (digits, version, Link(digits.name, SUM.name), current)])


def _post(api: str, url: str, path: str, body: Any) -> httpx2.Response:
    """To the gateway's host, which resolves nowhere, at the server's address. Signed, as IAM wants it."""
    host, content = httpx2.URL(api).netloc.decode(), json.dumps(body).encode()
    request = AWSRequest("POST", f"http://{host}{path}", {"content-type": "application/json"}, content)
    SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(request)
    headers = {**dict(request.headers.items()), "host": host}
    return httpx2.post(url + path, content=content, headers=headers, verify=False, trust_env=False, timeout=60)
