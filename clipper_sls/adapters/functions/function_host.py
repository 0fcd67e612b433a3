"""Model versions that run on AWS Lambda, as the management application sees them.

Whoever deploys has made function, published version and alias before the version is registered here. What is left to
do is small, so that it fits into one request: look whether they are there, and move the alias `current`.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from clipper_sls.aws_errors import AwsResourceAbsentError, FunctionFailedError
from clipper_sls.domain.deployment.concurrency import concurrency_of
from clipper_sls.domain.deployment.observed import Alias, ObservedFunction, Published, Readiness, WeightedNumber
from clipper_sls.domain.deployment.planning import scaling_steps
from clipper_sls.domain.deployment.steps import ProvisionConcurrency, ReserveConcurrency, WaitForProvisioned
from clipper_sls.domain.functions.names import StackNames, version_alias
from clipper_sls.domain.functions.published import CURRENT_ALIAS, PublishedFunction
from clipper_sls.domain.identifiers import ModelId, ModelName
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.domain.replicas import Health, PoolStatus, ReplicaState, ReplicaStatus
from clipper_sls.domain.traffic import Answering
from clipper_sls.errors import (
    InvalidBundleError,
    InvalidSettingError,
    ModelStartError,
    StaleWriteError,
    UnsupportedImageError,
)
from clipper_sls.ports.clock import Clock
from clipper_sls.ports.model_host import Decide
from clipper_sls.ports.provisioner import Provisioner

MAX_RACES = 20
BACKOFF_S = 0.05

Where = tuple[str, WeightedNumber | None]
"""A number, and a second one with its share: what an alias leads to."""


class FunctionHost:
    """Implements `ModelHost`. AWS is asked in threads.

    `first_call` calls a function by an alias and says what went wrong, as `first_call.FirstCall` does; `versions` gives
    those that are registered.
    """

    def __init__(
        self,
        *,
        names: StackNames,
        provisioner: Provisioner,
        first_call: Callable[[str, str], str | None],
        versions: Callable[[], Iterable[ModelVersion]],
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self._names = names
        self._aws = provisioner
        self._first_call = first_call
        self._versions = versions
        self._clock = clock
        self._chance = chance

    async def identified(self, version: ModelVersion) -> ModelVersion:
        """See `ModelHost.identified`: the bundle is the one that the published version names."""
        name, alias = self._names.function(version.id.name), version_alias(version.id.version)
        published = await asyncio.to_thread(self._published, version.id)
        digest = published.content.bundle_digest
        if digest is None:
            raise InvalidBundleError(f"Version {published.number} of the function {name} does not say what it holds")
        if version.container_name != published.content.image:
            raise UnsupportedImageError(
                f"The alias {alias} of the function {name} leads to the image {published.content.image}, and not to "
                f"{version.container_name}. Deploy model {version.id} again"
            )
        function = PublishedFunction(name, published.number, alias)
        return replace(version, bundle_digest=digest, function=function)

    async def start(self, version: ModelVersion) -> None:
        """See `ModelHost.start`: who deployed has waited for it, so it is called once, to see that it loads its model.

        Raises InvalidSettingError for a version that runs at a URL, which nobody would ask.
        """
        if version.endpoint is not None:
            raise InvalidSettingError(
                f"Model {version.id} is at {version.endpoint.url}, and a stack on AWS asks only functions of its own. "
                f"Deploy it as one, or register it in an engine"
            )
        if version.function is None:
            return
        published = await asyncio.to_thread(self._published, version.id)
        if published.readiness is not Readiness.READY:
            raise FunctionFailedError(
                f"Version {published.number} of the function {version.function.name} is {published.readiness}"
                f"{f': {published.reason}' if published.reason else ''}. Deploy model {version.id} again"
            )
        wrong = await asyncio.to_thread(self._first_call, version.function.name, version.function.alias)
        if wrong is not None:
            raise ModelStartError(f"Model {version.id} does not start on AWS Lambda: {wrong}")

    async def let_answer(self, model: ModelName, decide: Decide) -> None:
        """See `ModelHost.let_answer`: one UpdateAlias, under the revision that was seen before deciding."""
        name = self._names.function(model)
        for attempt in range(MAX_RACES):
            seen = await asyncio.to_thread(self._alias, name)
            wanted = await decide()
            if wanted is None or wanted.version.function is None:
                return
            where = _where(wanted)
            if seen is not None and (seen.number, seen.canary) == where:
                return
            try:
                revision = seen.revision if seen else None
                await asyncio.to_thread(self._aws.point_alias, name, CURRENT_ALIAS, *where, revision)
            except StaleWriteError:
                await self._clock.sleep_until(self._clock.now() + self._chance.uniform(0, BACKOFF_S * (attempt + 1)))
                continue
            return
        raise StaleWriteError(
            f"The alias {CURRENT_ALIAS} of {name} was moved by others {MAX_RACES} times in a row; try again"
        )

    async def withdraw(self, model: ModelId) -> None:
        """See `ModelHost.withdraw`: it costs nothing, and the next try, or somebody else's, goes on with it."""

    async def resume(self, version: ModelVersion) -> None:
        """See `ModelHost.resume`: Lambda never stopped."""

    async def scale(self, model: ModelId, scaling: Scaling) -> None:
        """See `ModelHost.scale`. Returns when Lambda has accepted it; replicas get ready in a minute or more.

        Raises InvalidSettingError for a maximum of 0, AwsQuotaError for more than the account may have.
        """
        await asyncio.to_thread(self._scale, model, scaling)

    async def stop(self, model: ModelId) -> None:
        """See `ModelHost.stop`: alias and published version go, the function stays for the next version."""
        await asyncio.to_thread(self._delete, model)

    def pools(self) -> Sequence[PoolStatus]:
        """See `ModelHost.pools`. Blocks; asks only for those of which something is kept ready."""
        return [self._pool(version, version.function) for version in self._versions() if version.function]

    def log_files(self, model: ModelId | None = None) -> Sequence[Path]:
        """See `ModelHost.log_files`: they are in CloudWatch, and no files."""
        return ()

    def _alias(self, name: str) -> Alias | None:
        return self._aws.alias(name, CURRENT_ALIAS)

    def _observed(self, model: ModelId) -> ObservedFunction:
        name = self._names.function(model.name)
        function = self._aws.observe(name)
        if function is None:
            raise UnsupportedImageError(
                f"There is no function {name}, so model {model} was not brought onto AWS. Deploy it with a "
                f"LambdaContainerManager, or with clipper-sls deploy --stack {self._names.stack}"
            )
        return function

    def _published(self, model: ModelId) -> Published:
        """What the version's own alias leads to. Raises UnsupportedImageError when there is none."""
        return _own(self._observed(model), model, self._names.stack)

    def _scale(self, model: ModelId, scaling: Scaling) -> None:
        function = self._observed(model)
        published = _own(function, model, self._names.stack)
        there = self._aws.provisioned(function.name, published.number)
        wanted = concurrency_of(scaling)
        steps = scaling_steps(function.name, published.number, wanted, reserved=function.reserved, provisioned=there)
        for step in steps:
            match step:
                case ReserveConcurrency():
                    self._aws.reserve(function.name, step.most)
                case ProvisionConcurrency():
                    self._aws.provision(function.name, published.number, step.count)
                case WaitForProvisioned():
                    continue  # nobody waits here: a request may take half a minute
                case _:
                    raise AssertionError(step)

    def _delete(self, model: ModelId) -> None:
        name, own = self._names.function(model.name), version_alias(model.version)
        alias = self._aws.alias(name, own)
        if alias is None:
            return
        self._aws.delete_alias(name, own)
        others = (one.function for one in self._versions() if one.id.name == model.name and one.function)
        if any(other.number == alias.number for other in others):  # the same content under another version's name
            return
        current = self._alias(name)
        if current is not None and current.number == alias.number:
            self._aws.delete_alias(name, CURRENT_ALIAS)
        with suppress(StaleWriteError, AwsResourceAbsentError):  # nothing was kept ready
            self._aws.provision(name, alias.number, 0)
        with suppress(StaleWriteError):  # a version that is being deployed needs it
            self._aws.delete_published(name, alias.number)

    def _pool(self, version: ModelVersion, function: PublishedFunction) -> PoolStatus:
        wanted = version.scaling.minimum
        there = self._aws.provisioned(function.name, function.number) if wanted else None
        ready = there.ready if there else 0
        replicas = tuple(
            ReplicaStatus(number, ReplicaState.READY, None, f"/aws/lambda/{function.name}", version.registered_at)
            for number in range(1, ready + 1)
        )
        return PoolStatus(
            model=version.id,
            health=_health(wanted, ready, there.readiness if there else None),
            scaling=version.scaling,
            replicas=replicas,
            queued_rows=0,
            consecutive_crashes=0,
            last_error=there.reason or None if there else None,
        )


def _own(function: ObservedFunction, model: ModelId, stack: str) -> Published:
    alias = version_alias(model.version)
    found = function.aliases.get(alias)
    published = function.numbered(found.number) if found else None
    if published is None:
        raise UnsupportedImageError(
            f"The function {function.name} has no alias {alias}, so model {model} was not brought onto AWS. Deploy it "
            f"with a LambdaContainerManager, or with clipper-sls deploy --stack {stack}"
        )
    return published


def _where(wanted: Answering) -> Where:
    assert wanted.version.function is not None
    if wanted.canary is None or wanted.canary.function is None:
        return wanted.version.function.number, None
    if wanted.canary.function.number == wanted.version.function.number:  # the same content under two names
        return wanted.version.function.number, None
    return wanted.version.function.number, WeightedNumber(wanted.canary.function.number, wanted.share)


def _health(wanted: int, ready: int, readiness: Readiness | None) -> Health:
    if ready:
        return Health.HEALTHY
    if not wanted:
        return Health.ASLEEP  # wakes on the next query
    return Health.UNHEALTHY if readiness is Readiness.FAILED else Health.STARTING
