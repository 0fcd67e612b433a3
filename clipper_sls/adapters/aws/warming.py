"""Keeping functions of AWS Lambda warm, by invoking them now and then for nothing."""

import asyncio
import logging
from collections.abc import Iterable
from typing import NamedTuple

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.adapters.aws.failures import AwsFailureError
from clipper_sls.adapters.aws.invoke import invoke
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.functions.published import PublishedFunction
from clipper_sls.domain.query import Deadline
from clipper_sls.domain.records import RegistrySnapshot

logger = logging.getLogger(__name__)


class Call(NamedTuple):
    """An invocation that does nothing; without an alias, of what is not published."""

    function: str
    alias: str | None
    event: bytes


def calls_of(snapshot: RegistrySnapshot, front_end: str) -> list[Call]:
    """The front end, and each model's current version, which gets a batch without rows: no model is asked anything."""
    currents = [version for name in snapshot.currents if (version := snapshot.current(name)) is not None]
    models = [
        Call(version.function.name, version.function.alias, pack_event(version.input_type, []))
        for version in currents
        if isinstance(version.function, PublishedFunction)
    ]
    return [Call(front_end, None, b"{}"), *models]


async def warm_up(client: AwsClient, calls: Iterable[Call], *, at_once: int, deadline: Deadline) -> int:
    """Make each of the `calls` so often at one time that as many environments are needed; returns how many failed."""
    failed = await asyncio.gather(*(_failed(client, call, deadline) for call in calls for _ in range(at_once)))
    return sum(failed)


async def _failed(client: AwsClient, call: Call, deadline: Deadline) -> bool:
    """Whether it did; that is no reason not to make the others."""
    try:
        await invoke(client, call.function, call.alias, call.event, deadline, may_repeat=True)
    except AwsFailureError as error:
        logger.warning("The function %s was not warmed up: %s", call.function, error)
        return True
    return False
