"""A stack on this machine, used as one on AWS is: deployed to with the SDK, asked at its predict URL."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import run
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LambdaContainerManager
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.testing.local_aws import LocalAwsUnderTest, local_aws

pytestmark = pytest.mark.timeout(300)

now = SystemClock.now
ROLLBACK_LIMIT_S = 1.0
TRIES = 600


def _adding(number: float) -> Callable[[Any], list[float]]:
    return lambda inputs: [float(value[0]) + number for value in inputs]


class Application:
    """An application and the model of its name, whose version N adds N."""

    def __init__(self, running: LocalAwsUnderTest, connection: ClipperConnection, name: str) -> None:
        self.connection = connection
        self.name = name
        self._url = f"{running.query}/{name}/predict"
        self._client = httpx2.Client(trust_env=False, verify=False, timeout=30)
        self._asked = 0.0
        connection.register_application(name, "doubles", "-1", 5_000_000)

    def deploy(self, version: int) -> None:
        deploy_python_closure(self.connection, self.name, version, "doubles", _adding(version))

    def ask(self, value: float) -> dict[str, Any]:
        told: dict[str, Any] = self._client.post(self._url, json={"input": [value]}).raise_for_status().json()
        return told

    def added(self) -> float | None:
        """What the model adds to an input that no cache knows; None for the default."""
        self._asked += 1
        answer = self.ask(self._asked)
        return None if answer["default"] else answer["output"] - self._asked

    def seconds_until(self, version: int) -> float:
        """Until `version` answers."""
        began_at = now()
        for _ in range(TRIES):
            if self.added() == version:
                return now() - began_at
        raise AssertionError(f"Version {version} did not answer in {TRIES} tries")

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def application(running: LocalAwsUnderTest) -> Iterator[Application]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:  # noqa: TID251 - AWS's own
            patch.delenv(name)
        for name, value in running.environment.items():
            patch.setenv(name, value)
        connection = ClipperConnection(LambdaContainerManager(running.stack))
        connection.connect()
        made = Application(running, connection, "adding")
        made.deploy(1)
        connection.link_model_to_app("adding", "adding")
        made.seconds_until(1)
        yield made
        made.close()


def test_an_application_that_is_not_there_is_not_served(running: LocalAwsUnderTest) -> None:
    answer = httpx2.post(f"{running.query}/none/predict", json={"input": [1.0]}, trust_env=False, verify=False)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_served")


def test_versions_are_deployed_answer_and_roll_back_within_a_second(application: Application) -> None:
    application.deploy(2)
    application.seconds_until(2)
    began_at = now()
    assert application.connection.rollback(application.name) == "1"
    application.seconds_until(1)
    assert now() - began_at < ROLLBACK_LIMIT_S
    assert application.connection.get_current_model_version(application.name) == "1"


def test_an_input_that_was_answered_is_not_asked_again(running: LocalAwsUnderTest, application: Application) -> None:
    """Once the front end has read who is current: until then the answer is another version's to it, and not kept."""
    for _ in range(TRIES):
        before = _calls(running)
        application.ask(0.5)
        if _calls(running) == before:
            break
    answers = [application.ask(0.5)["default"] for _ in range(5)]
    assert (answers, _calls(running)) == ([False] * 5, before)


def test_a_job_goes_through_the_queue(application: Application) -> None:
    """The queue invokes the consumer, which asks the model and writes what it answered."""
    job = application.connection.submit(application.name, {"input": [41.0]})
    done = application.connection.wait_for_job(job, timeout_s=60)
    assert (done["status"], done["default"], done["output"]) == ("done", False, 42.0)


def test_the_command_line_speaks_to_the_stack(running: LocalAwsUnderTest, application: Application) -> None:
    told = run(
        [sys.executable, "-m", "clipper_sls", "apps", "--json"],
        env={**os.environ, **running.environment},  # noqa: TID251 - a child's
        capture_output=True,
        text=True,
        check=True,
    )
    assert application.name in told.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_plays_on_it() -> None:
    checkout = Path(__file__).parents[3]
    played = run([sys.executable, "-m", "examples.demo", "--aws"], cwd=checkout, capture_output=True, text=True)
    assert played.returncode == 0, played.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_asked_of_aws_holds_here_but_where_emulators_are_known_to_differ(tmp_path: Path) -> None:
    checkout = Path(__file__).parents[3]
    with local_aws(tmp_path, ["--stack", "smoked"]) as server:
        command = [sys.executable, "-m", "examples.aws_smoke", "--emulator", "--stack", server.stack]
        environment = {**os.environ, **server.environment}  # noqa: TID251 - a child's
        checked = run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def _calls(running: LocalAwsUnderTest) -> int:
    """Of all environments of models."""
    pools = httpx2.get(f"{running.endpoint}/_clipper/functions", trust_env=False, verify=False).json()
    models = [pool for pool in pools if "-model-" in pool["function"]]
    return sum(environment["calls"] for pool in models for environment in pool["environments"])
