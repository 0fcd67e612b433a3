"""From what there shall be and what there is to the steps that are missing. Pure.

Doing all steps of a plan makes the next plan empty. A plan that was broken off anywhere leads on to the same end: the
next one begins where it stopped, since nothing is remembered but what Lambda and the registry say.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from clipper_sls.domain.deployment.concurrency import Concurrency, concurrency_of
from clipper_sls.domain.deployment.content import FunctionContent
from clipper_sls.domain.deployment.observed import ObservedFunction, Provisioned, Published, Readiness
from clipper_sls.domain.deployment.steps import (
    CreateFunction,
    PointAlias,
    ProvisionConcurrency,
    PublishImage,
    PublishVersion,
    Register,
    ReserveConcurrency,
    Step,
    UpdateCode,
    UpdateConfiguration,
    WaitForProvisioned,
    WaitForVersion,
    WaitUntilReady,
)
from clipper_sls.domain.functions.names import version_alias
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import Scaling
from clipper_sls.errors import InvalidSettingError, VersionContentError

CODE = ("image", "architecture")
"""What is updated together, as the code; everything else is the configuration."""


@dataclass(frozen=True, slots=True)
class DesiredVersion:
    """A model version as it shall be. Raises InvalidSettingError for what contradicts itself."""

    model: ModelId
    function: str  # name of the model's function
    content: FunctionContent
    scaling: Scaling

    def __post_init__(self) -> None:
        if self.content.snap_start and self.scaling.minimum:
            raise InvalidSettingError(
                f"AWS Lambda keeps no replicas ready for a version with SnapStart, so {self.model} can have one of the "
                f"two. Leave out snap_start, or the minimum of replicas"
            )

    @property
    def alias(self) -> str:
        return version_alias(self.model.version)


@dataclass(frozen=True, slots=True)
class Situation:
    """What there is. `provisioned` is of the published version whose content is the desired one, if there is any."""

    function: ObservedFunction | None
    provisioned: Provisioned | None
    registered_digest: str | None  # of the bundle that is registered as this version; None when none is
    image_is_published: bool


def plan(desired: DesiredVersion, situation: Situation) -> tuple[Step, ...]:
    """Nothing for a version that is registered. Raises VersionContentError when it is, with another content."""
    if situation.registered_digest is not None:
        _check_is_same(desired, situation.registered_digest, situation.function)
        return ()
    function = situation.function
    match = function.matching(desired.content) if function else None
    return (
        *_publishing(desired, situation, match),
        *_aliasing(desired, function, match),
        *_scaling(desired, situation, match),
        Register(desired.model),
    )


def _publishing(desired: DesiredVersion, situation: Situation, match: Published | None) -> Iterator[Step]:
    name = desired.function
    if match is None:
        if not situation.image_is_published:
            yield PublishImage(desired.content.image)
        yield from _preparing(desired, situation.function)
        yield PublishVersion(name, desired.model)
    if match is None or match.readiness is not Readiness.READY:
        yield WaitForVersion(name)


def _preparing(desired: DesiredVersion, function: ObservedFunction | None) -> Iterator[Step]:
    """Until `$LATEST` is what shall be published."""
    name, wanted = desired.function, desired.content
    if function is None:
        yield CreateFunction(name, wanted)
        yield WaitUntilReady(name)
        return
    latest = function.latest
    if latest.readiness is Readiness.PENDING:
        yield WaitUntilReady(name)
    changed = _differing(latest.content, wanted)
    if latest.readiness is Readiness.FAILED or any(setting in CODE for setting in changed):
        yield UpdateCode(name, wanted)
        yield WaitUntilReady(name)
    configured = tuple(setting for setting in changed if setting not in CODE)
    if configured:
        yield UpdateConfiguration(name, wanted, configured)
        yield WaitUntilReady(name)


def _differing(one: FunctionContent, other: FunctionContent) -> tuple[str, ...]:
    names = (field.name for field in fields(FunctionContent))
    return tuple(name for name in names if getattr(one, name) != getattr(other, name))


def _aliasing(desired: DesiredVersion, function: ObservedFunction | None, match: Published | None) -> Iterator[Step]:
    """An alias of a version that is not registered may be moved: nobody asks for it yet."""
    number = match.number if match else None
    alias = function.aliases.get(desired.alias) if function else None
    if number is None or alias is None or alias.number != number or alias.canary is not None:
        yield PointAlias(desired.function, desired.alias, number)


def _scaling(desired: DesiredVersion, situation: Situation, match: Published | None) -> Iterator[Step]:
    number = match.number if match else None
    yield from scaling_steps(
        desired.function,
        number,
        concurrency_of(desired.scaling),
        reserved=situation.function.reserved if situation.function else None,
        provisioned=situation.provisioned,
    )


def scaling_steps(
    function: str, number: str | None, wanted: Concurrency, *, reserved: int | None, provisioned: Provisioned | None
) -> tuple[Step, ...]:
    """What is provisioned must fit into what is reserved, before and after each step."""
    reserving = [ReserveConcurrency(function, wanted.reserved)] if wanted.reserved != reserved else []
    provisioning = _provisioning(function, number, wanted.provisioned, provisioned)
    is_raised = wanted.reserved is None or (reserved is not None and wanted.reserved > reserved)
    return (*reserving, *provisioning) if is_raised else (*provisioning, *reserving)


def _provisioning(function: str, number: str | None, count: int, there: Provisioned | None) -> tuple[Step, ...]:
    requested = there.requested if there else 0
    is_ready = there is not None and there.readiness is Readiness.READY
    waiting = (WaitForProvisioned(function),) if count and not (requested == count and is_ready) else ()
    if requested != count or (there is not None and there.readiness is Readiness.FAILED):
        return (ProvisionConcurrency(function, number, count), *waiting)
    return waiting


def _check_is_same(desired: DesiredVersion, digest: str, function: ObservedFunction | None) -> None:
    """An image that was built again from the same bundle, on a base that has moved, makes no other version."""
    alias = function.aliases.get(desired.alias) if function else None
    there = function.numbered(alias.number) if function and alias else None
    if digest != desired.content.bundle_digest:
        raise VersionContentError(_differs(desired, "with other content"))
    if there is None:
        raise VersionContentError(
            f"Model {desired.model} is registered, and its alias {desired.alias} of the function {desired.function} "
            f"leads nowhere. Undeploy it, and deploy it again"
        )
    changed = _differing(there.content.with_image(desired.content.image), desired.content)
    if changed:
        raise VersionContentError(_differs(desired, f"with another {', '.join(changed)}"))


def _differs(desired: DesiredVersion, how: str) -> str:
    return (
        f"model with name '{desired.model.name}' and version '{desired.model.version}' already exists {how}, and keeps "
        f"serving. A version never changes: deploy this as another one"
    )
