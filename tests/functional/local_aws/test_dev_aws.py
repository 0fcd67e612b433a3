"""`clipper-sls dev --aws`: the stack's own template, deployed and served, and nothing left afterwards."""

import json
import subprocess
import sys
from pathlib import Path

import httpx2
import psutil
import pytest

from clipper_sls.testing.local_aws import LocalAwsUnderTest, local_aws
from tests.functional.local_aws.conftest import ROLE, archive, aws

pytestmark = pytest.mark.timeout(240)


def test_the_stack_is_complete(running: LocalAwsUnderTest) -> None:
    (stack,) = aws("cloudformation", running.endpoint).describe_stacks(StackName="demo")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert (outputs["QueryUrl"], outputs["ManagementUrl"]) == (running.query, running.management)
    assert {"demo-registry", "demo-jobs"} <= set(aws("dynamodb", running.endpoint).list_tables()["TableNames"])


def test_parameters_of_the_template_can_be_given(running: LocalAwsUnderTest) -> None:
    queues = aws("sqs", running.endpoint)
    url = queues.get_queue_url(QueueName="demo-jobs")["QueueUrl"]
    policy = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    assert str(json.loads(policy)["maxReceiveCount"]) == "3"


def test_management_wants_signed_requests(running: LocalAwsUnderTest) -> None:
    answer = httpx2.post(f"{running.management}/admin/get_all_applications", json={}, trust_env=False, verify=False)
    assert answer.status_code == 403


def test_what_other_processes_need_is_told(running: LocalAwsUnderTest) -> None:
    assert running.environment["AWS_ENDPOINT_URL"] == running.endpoint
    assert running.environment["CLIPPER_SLS_STACK_NAME"] == running.stack == "demo"
    assert Path(running.environment["CLIPPER_SLS_IMAGE_FOLDER"]).is_dir()


def test_a_second_one_on_its_state_is_refused(running: LocalAwsUnderTest) -> None:
    options = ["--aws", "--stack", "demo", "--state-dir", str(running.folder / "state"), "--move-ports"]
    second = subprocess.run([sys.executable, "-m", "clipper_sls", "dev", *options], capture_output=True, text=True)
    assert second.returncode == 4
    assert "Another engine" in second.stderr


def family_with_a_function(server: LocalAwsUnderTest) -> list[psutil.Process]:
    """The command, MiniStack, and the environment of a function that has answered."""
    functions = aws("lambda", server.endpoint)
    code = {"ZipFile": archive({"app.py": "def handler(event, context):\n    return event\n"})}
    functions.create_function(
        FunctionName="echo", Code=code, Runtime="python3.13", Handler="app.handler", Role=ROLE, Timeout=10
    )
    assert functions.invoke(FunctionName="echo", Payload=b"1")["Payload"].read() == b"1"
    family = server.family()
    assert len(family) >= 3
    return family


@pytest.mark.slow
def test_it_ends_with_all_that_it_started(tmp_path: Path) -> None:
    with local_aws(tmp_path) as server:
        family = family_with_a_function(server)
        assert server.stop() == 0
        assert psutil.wait_procs(family, timeout=5)[1] == []
        assert not (tmp_path / "ready.json").exists()


@pytest.mark.slow
def test_nothing_outlives_it_when_it_is_killed(tmp_path: Path) -> None:
    with local_aws(tmp_path) as server:
        family = family_with_a_function(server)
        server.kill()
        assert psutil.wait_procs(family, timeout=10)[1] == []


def test_a_template_that_is_not_there_is_told(tmp_path: Path) -> None:
    options = ["--aws", "--template", str(tmp_path / "none.yaml"), "--state-dir", str(tmp_path), "--move-ports"]
    failed = subprocess.run([sys.executable, "-m", "clipper_sls", "dev", *options], capture_output=True, text=True)
    assert failed.returncode == 2
    assert "cannot be read" in failed.stderr
    assert "none.yaml" in failed.stderr
