"""Bringing a model version onto AWS Lambda: look, plan, do the next step, look again.

After each step it is looked at again what there is. If that is not what the plan led to, somebody else is at work on
the same function, and a new plan is made; who loses such a race waits for a while before it goes on, so that the other
one can finish. Nothing is remembered outside Lambda and the registry: killed at any moment and started again, it goes
on where it was.
"""

import random
from collections.abc import Callable

from clipper_sls.aws_errors import FunctionFailedError
from clipper_sls.domain.deployment.observed import ObservedFunction, Provisioned, Published, Readiness
from clipper_sls.domain.deployment.planning import DesiredVersion, Situation, plan
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
from clipper_sls.errors import StaleWriteError, VersionExistsError
from clipper_sls.ports.image_publisher import ImagePublisher
from clipper_sls.ports.provisioner import Provisioner
from clipper_sls.ports.version_register import VersionRegister

Waiting = WaitUntilReady | WaitForVersion | WaitForProvisioned

Pause = Callable[[float], object]
"""Waits so many seconds."""

POLL_S = 0.5
WAIT_LIMIT_S = 900.0
"""Lambda fetches and unpacks an image of 10 GB in minutes; SnapStart takes its snapshot in minutes, too."""

MAX_RACES = 20
FIRST_BACKOFF_S = 0.25
MAX_BACKOFF_S = 20.0


class Deployer:
    """`tell` is given each step before it is done; `chance` spreads those who wait for each other."""

    def __init__(
        self,
        *,
        provisioner: Provisioner,
        register: VersionRegister,
        images: ImagePublisher,
        pause: Pause,
        chance: random.Random,
        tell: Callable[[Step], object],
    ) -> None:
        self._provisioner = provisioner
        self._register = register
        self._images = images
        self._pause = pause
        self._chance = chance
        self._tell = tell

    def plan(self, desired: DesiredVersion) -> tuple[Step, ...]:
        """What `deploy` would do now. Raises VersionContentError, and what looking may raise."""
        return plan(desired, self._situation(desired))

    def deploy(self, desired: DesiredVersion) -> bool:
        """Do what is missing; returns whether anything was.

        Raises VersionContentError when the version is registered with another content, FunctionFailedError when Lambda
        cannot bring it to be active, StaleWriteError when others were faster again and again; the errors of AWS, of
        image registries and of the management API. What has been done stays, and is not done again next time.
        """
        races = 0
        steps = self.plan(desired)
        has_work = bool(steps)
        while steps:
            try:
                steps = self._advanced(desired, steps)
            except StaleWriteError:
                races += 1
                if races > MAX_RACES:
                    raise
                self._back_off(races)
                steps = self.plan(desired)
        return has_work

    def _advanced(self, desired: DesiredVersion, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """What is left after the first of `steps`; something else when somebody came between.

        Waiting is not left out where it has become needless, so that what is told is what was planned.
        """
        first, rest = steps[0], steps[1:]
        situation = self._situation(desired)
        if not isinstance(first, Waiting):
            fresh = plan(desired, situation)
            if not _is_end_of(fresh, steps):
                raise StaleWriteError(f"Function {desired.function} was changed by somebody else in the meantime")
            if len(fresh) < len(steps):  # somebody else has done it, or all of it
                return fresh
        self._tell(first)
        self._do(first, desired, situation)
        return rest or self.plan(desired)

    def _do(self, step: Step, desired: DesiredVersion, situation: Situation) -> None:
        name, aws = desired.function, self._provisioner
        match step:
            case PublishImage():
                self._images.publish(step.image)
            case CreateFunction():
                aws.create(name, step.content)
            case UpdateCode():
                aws.update_code(name, step.content, _seen(situation).latest.revision)
            case UpdateConfiguration():
                aws.update_configuration(name, step.content, _seen(situation).latest.revision)
            case WaitUntilReady():
                self._wait(desired, _latest_of, f"Function {name}")
            case PublishVersion():
                latest = _seen(situation).latest
                aws.publish(name, latest.revision, latest.code_sha256, f"{desired.model}")
            case _:
                self._do_with_published(step, desired, situation)

    def _do_with_published(self, step: Step, desired: DesiredVersion, situation: Situation) -> None:
        name, aws = desired.function, self._provisioner
        match step:
            case WaitForVersion():
                self._wait(desired, _match_of, f"The published version of {name} for model {desired.model}")
            case PointAlias():
                alias = _seen(situation).aliases.get(step.alias)
                number = _published(desired, situation).number
                aws.point_alias(name, step.alias, number, None, alias.revision if alias else None)
            case ReserveConcurrency():
                aws.reserve(name, step.most)
            case ProvisionConcurrency():
                aws.provision(name, _published(desired, situation).number, step.count)
            case WaitForProvisioned():
                self._wait(desired, _provisioned_of, f"Provisioned concurrency of model {desired.model}")
            case Register():
                try:
                    self._register.register(desired.model)
                except VersionExistsError:  # another deployer of the same version was faster
                    return
            case _:
                raise AssertionError(step)

    def _wait(self, desired: DesiredVersion, part: "_Part", what: str) -> None:
        """Raises FunctionFailedError, and StaleWriteError when it is gone or is something else by now."""
        for _ in range(round(WAIT_LIMIT_S / POLL_S)):
            found = part(desired, self._situation(desired))
            if found is None:
                raise StaleWriteError(f"{what} was changed by somebody else in the meantime")
            readiness, reason = found
            if readiness is Readiness.READY:
                return
            if readiness is Readiness.FAILED:
                raise FunctionFailedError(f"{what} did not become active: {reason or 'AWS does not say why'}")
            self._pause(POLL_S)
        raise FunctionFailedError(
            f"{what} was not active after {WAIT_LIMIT_S:.0f} s. Deploy again to wait on: what was done is kept"
        )

    def _situation(self, desired: DesiredVersion) -> Situation:
        digest = self._register.registered_digest(desired.model)
        function = self._provisioner.observe(desired.function)
        match = function.matching(desired.content) if function else None
        needs_image = digest is None and match is None
        return Situation(
            function=function,
            provisioned=self._provisioner.provisioned(desired.function, match.number) if match else None,
            registered_digest=digest,
            image_is_published=not needs_image or self._images.is_published(desired.content.image),
        )

    def _back_off(self, races: int) -> None:
        self._pause(self._chance.uniform(0, min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2.0**races)))


_Part = Callable[[DesiredVersion, Situation], tuple[Readiness, str] | None]


def _latest_of(desired: DesiredVersion, situation: Situation) -> tuple[Readiness, str] | None:
    function = situation.function
    return (function.latest.readiness, function.latest.reason) if function else None


def _match_of(desired: DesiredVersion, situation: Situation) -> tuple[Readiness, str] | None:
    match = situation.function.matching(desired.content) if situation.function else None
    return (match.readiness, match.reason) if match else None


def _provisioned_of(desired: DesiredVersion, situation: Situation) -> tuple[Readiness, str] | None:
    there: Provisioned | None = situation.provisioned
    return (there.readiness, there.reason) if there else None


def _seen(situation: Situation) -> ObservedFunction:
    if situation.function is None:
        raise StaleWriteError("The function was deleted by somebody else in the meantime")
    return situation.function


def _published(desired: DesiredVersion, situation: Situation) -> Published:
    match = _seen(situation).matching(desired.content)
    if match is None:
        raise StaleWriteError("The published version was deleted by somebody else in the meantime")
    return match


def _is_end_of(fresh: tuple[Step, ...], steps: tuple[Step, ...]) -> bool:
    """Whether `fresh` is what is left of `steps`, numbers of versions that are known by now aside."""
    kinds, planned = [step.kind for step in fresh], [step.kind for step in steps]
    return planned[len(planned) - len(kinds) :] == kinds if len(kinds) <= len(planned) else False
