import threading
from dataclasses import dataclass, field

import pytest

from clipper_sls.adapters.aws.credentials import LOOK_AGAIN_S, BotocoreCredentials, credentials_of
from clipper_sls.adapters.aws.failures import AwsNoCredentialsError
from clipper_sls.adapters.aws.signing import Credentials
from clipper_sls.testing.clock import ManualClock


@dataclass(frozen=True)
class Frozen:
    access_key: str
    secret_key: str
    token: str | None


@dataclass
class Source:
    """As botocore's: new ones each time; waits while `is_held`."""

    given: int = 0
    is_held: threading.Event = field(default_factory=threading.Event)
    is_broken: bool = False

    def __post_init__(self) -> None:
        self.is_held.set()

    def get_frozen_credentials(self) -> Frozen:
        self.is_held.wait(10)
        if self.is_broken:
            raise OSError("no route to the role")
        self.given += 1
        return Frozen(f"key {self.given}", "secret", None)


def _settled(provider: BotocoreCredentials) -> Credentials:
    if provider._looking is not None:
        provider._looking.join(10)
    return provider()


def test_the_environment_comes_first() -> None:
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}
    assert credentials_of(environment, ManualClock())() == Credentials("a", "b", "c")


def test_half_a_pair_in_the_environment_is_none() -> None:
    assert isinstance(credentials_of({"AWS_ACCESS_KEY_ID": "a"}, ManualClock()), BotocoreCredentials)


async def test_credentials_are_looked_at_again_and_nobody_waits() -> None:
    clock, source = ManualClock(), Source()
    provider = BotocoreCredentials(clock=clock, find=lambda: source)
    assert provider().access_key == "key 1"
    await clock.advance(LOOK_AGAIN_S)
    assert provider().access_key == "key 1"
    source.is_held.clear()
    await clock.advance(1)
    assert provider().access_key == "key 1"  # while a thread looks
    source.is_held.set()
    assert _settled(provider).access_key == "key 2"
    assert source.given == 2


async def test_old_credentials_serve_while_there_are_no_new_ones() -> None:
    clock, source = ManualClock(), Source()
    provider = BotocoreCredentials(clock=clock, find=lambda: source)
    provider()
    source.is_broken = True
    await clock.advance(LOOK_AGAIN_S + 1)
    provider()
    assert _settled(provider).access_key == "key 1"


def test_without_credentials_it_says_so_and_looks_again_next_time() -> None:
    source = Source(is_broken=True)
    provider = BotocoreCredentials(clock=ManualClock(), find=lambda: source)
    with pytest.raises(AwsNoCredentialsError, match="no route to the role"):
        provider()
    source.is_broken = False
    assert provider().access_key == "key 1"
