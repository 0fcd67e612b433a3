"""Files that are scored by the command, with a real engine and a real model."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from clipper_sls.testing.engine import EngineUnderTest, embedded_engine
from clipper_sls.testing.ministack import MiniStackUnderTest

MODEL = """
def total(inputs):
    return [float(sum(values)) for values in inputs]

def length(inputs):
    return [{"length": len(text)} for text in inputs]

def broken(inputs):
    raise ValueError("always")
"""
AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineUnderTest]:
    with embedded_engine(tmp_path_factory.mktemp("engine") / "state") as engine:
        yield engine


@pytest.fixture(scope="module")
def start(engine: EngineUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts a command of `clipper-sls`; its folder has the models."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "models.py").write_text(MODEL)

    def started(*arguments: object, **variables: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "clipper_sls", *map(str, arguments)],
            cwd=folder,
            env={**os.environ, "CLIPPER_SLS_STATE_DIR": str(engine.state_dir), **variables},  # noqa: TID251
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return started


@pytest.fixture(scope="module")
def run(start: Start) -> Callable[..., Any]:
    """Runs one to its end; returns its exit code, its standard output and its standard error."""

    def ran(*arguments: object, **variables: str) -> tuple[int, str, str]:
        process = start(*arguments, **variables)
        out, err = process.communicate(timeout=100)
        assert "Traceback" not in err, err
        return process.returncode, out, err

    return ran


@pytest.fixture(scope="module", autouse=True)
def applications(run: Callable[..., Any]) -> None:
    """`sums` is in a hurry, 100 ms; nothing is linked to `lonely`."""
    for name, kind, function in (("sums", "doubles", "total"), ("texts", "strings", "length")):
        assert run("register", name, "-i", kind, "-d", "-1", "--slo-ms", "100")[0] == 0
        assert run("deploy", f"models:{function}", "--name", function, "-v", "1", "-i", kind, "--app", name)[0] == 0
    assert run("register", "lonely", "-i", "doubles", "-d", "-1")[0] == 0


@pytest.fixture(scope="module")
def bucket(shared_ministack: MiniStackUnderTest) -> tuple[Any, str, dict[str, str]]:
    """A client, the name of a bucket, and the variables with which a command finds it."""
    client = boto3.client(
        "s3",
        endpoint_url=shared_ministack.url,
        region_name=AWS["AWS_REGION"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket="scored")
    return client, "scored", {**AWS, "AWS_ENDPOINT_URL": shared_ministack.url}
