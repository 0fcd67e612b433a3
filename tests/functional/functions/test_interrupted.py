"""Deployers that end where they should not, and several at one time, against the functions of MiniStack."""

import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.lambda_functions import LambdaProvisioner
from clipper_sls.domain.deployment.observed import ObservedFunction
from clipper_sls.domain.deployment.steps import Step
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.testing.ministack import MiniStackUnderTest
from tests.functional.functions.deployer_process import MODEL, deployer, desired, snapshot

DEPLOYER = Path(__file__).parent / "deployer_process.py"
LIMIT_S = 100
MOST_KILLS = 12


class BrokenOffError(Exception):
    """The deployer ends."""


@dataclass(frozen=True)
class Place:
    """A stack of the test's own, with nothing in it."""

    names: StackNames
    endpoint: str
    registry: Path
    aws: LambdaProvisioner

    def start(self, version: str) -> "subprocess.Popen[bytes]":
        arguments = [sys.executable, str(DEPLOYER), self.endpoint, self.names.stack, version, str(self.registry)]
        return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def deploy(self, version: str, fatal: int | None = None) -> list[str]:
        """In this process, up to before step number `fatal`; returns what was done."""
        told: list[str] = []
        wanted = desired(self.names, version)

        def tell(step: Step) -> None:
            if len(told) == fatal:
                raise BrokenOffError
            told.append(step.kind)

        deployer(self.endpoint, self.names, wanted, self.registry, tell).deploy(wanted)
        return told

    def function(self) -> ObservedFunction:
        found = self.aws.observe(self.names.function(MODEL))
        assert found is not None
        return found

    def check(self, versions: list[str]) -> None:
        """Each is registered, published once and led to by its alias; one of them answers, in registry and alias."""
        function, registered = self.function(), snapshot(self.registry)
        assert sorted(one.version for one in registered.versions) == sorted(versions)
        for version in versions:
            wanted = desired(self.names, version)
            numbers = [one.number for one in function.published if one.content == wanted.content]
            assert numbers == [function.aliases[wanted.alias].number]
            record = registered.versions[wanted.model]
            assert record.function is not None
            assert record.function.number == numbers[0]
            assert record.bundle_digest == wanted.content.bundle_digest
            assert deployer(self.endpoint, self.names, wanted, self.registry, print).plan(wanted) == ()
        current = registered.current(MODEL)
        assert current is not None
        assert current.function is not None
        assert function.aliases["current"].number == current.function.number


@pytest.fixture
def place(shared_ministack: MiniStackUnderTest, aws_clients: AwsClients, tmp_path: Path) -> Iterator[Place]:
    stack = f"st-{uuid.uuid4().hex[:12]}"
    yield Place(StackNames(stack), shared_ministack.url, tmp_path / "registry.sqlite3", LambdaProvisioner(aws_clients))
    LambdaProvisioner(aws_clients).delete(StackNames(stack).function(MODEL))


def test_interrupted_after_every_step_and_repeated_it_converges(place: Place) -> None:
    for version in ("1", "two"):
        steps = []
        for _ in range(30):
            try:
                steps += place.deploy(version, fatal=1)
            except BrokenOffError:
                continue
            break
        place.check(["1"] if version == "1" else ["1", "two"])
    assert len(place.function().published) == 2


@pytest.mark.slow
def test_killed_at_random_moments_and_repeated_it_converges(place: Place) -> None:
    """The kills come from another process, so that they fall into calls as well as between them."""
    chance, kills = random.Random(4), 0
    for version in ("1", "two", "three"):
        while True:
            process = place.start(version)
            try:
                limit_s = LIMIT_S if kills >= MOST_KILLS else chance.uniform(0.5, 2.5)
                _, errors = process.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                continue
            assert process.returncode == 0, errors.decode()
            break
    assert kills >= 3
    place.check(["1", "two", "three"])
    assert len(place.function().published) == 3


@pytest.mark.parametrize("versions", [["1", "two"], ["1", "1"], ["1", "two", "three", "3.1"]], ids=str)
def test_deployers_at_one_time_do_not_disturb_each_other(place: Place, versions: list[str]) -> None:
    versions = [version.replace(".", "-") for version in versions]
    processes = [place.start(version) for version in versions]
    errors = [process.communicate(timeout=LIMIT_S)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(versions), "\n".join(errors)
    place.check(sorted(set(versions)))
    led_to = {alias.number for alias in place.function().aliases.values()}
    assert len(led_to) == len(set(versions))  # MiniStack, unlike AWS, may publish what nobody asked for: see ADR 0036
