"""AWS Lambda's functions in memory, the way AWS documents them, and what a deployment needs beside them.

What takes Lambda a while takes here `settling` looks: whoever looks often enough sees it done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from clipper_sls.aws_errors import AwsResourceAbsentError
from clipper_sls.domain.deployment.content import Architecture, FunctionContent
from clipper_sls.domain.deployment.observed import (
    Alias,
    Latest,
    ObservedFunction,
    Provisioned,
    Published,
    Readiness,
    WeightedNumber,
)
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.errors import StaleWriteError, VersionExistsError


@dataclass
class _Function:
    content: FunctionContent
    revision: str
    looks: int  # until it is ready
    published: dict[str, FunctionContent] = field(default_factory=dict)
    published_revision: str | None = None  # of `$LATEST`, when the newest version was published
    next_number: int = 1
    aliases: dict[str, Alias] = field(default_factory=dict)
    reserved: int | None = None
    provisioned: dict[str, int] = field(default_factory=dict)


@dataclass
class FakeProvisioner:
    """Implements `Provisioner`. An image that is in `broken` never becomes active."""

    settling: int = 1
    broken: set[str] = field(default_factory=set)
    before: Callable[[str], None] = lambda call: None
    """Called with the name of each changing call before it has an effect; what it raises comes out."""

    after: Callable[[str], None] = lambda call: None
    """The same, after the effect."""

    calls: list[str] = field(default_factory=list)
    _functions: dict[str, _Function] = field(default_factory=dict)
    _revisions: "count[int]" = field(default_factory=lambda: count(1))

    def observe(self, function: str) -> ObservedFunction | None:
        found = self._functions.get(function)
        if found is None:
            return None
        found.looks = max(0, found.looks - 1)
        return ObservedFunction(
            name=function,
            latest=Latest(found.content, found.revision, "", self._readiness(found), "the image is broken"),
            published=tuple(Published(number, one, Readiness.READY) for number, one in found.published.items()),
            aliases=dict(found.aliases),
            reserved=found.reserved,
        )

    def provisioned(self, function: str, number: str) -> Provisioned | None:
        requested = self._found(function).provisioned.get(number)
        return None if requested is None else Provisioned(requested, Readiness.READY, requested)

    def create(self, function: str, content: FunctionContent) -> None:
        self._begin("create")
        if function in self._functions:
            raise StaleWriteError(f"Function already exist: {function}")
        self._functions[function] = _Function(content, self._revision(), self.settling)
        self.after("create")

    def update_code(self, function: str, content: FunctionContent, revision: str) -> None:
        self._begin("update_code")
        found = self._changeable(function, revision)
        found.content = replace(found.content, image=content.image, architecture=content.architecture)
        self._changed(found, "update_code")

    def update_configuration(self, function: str, content: FunctionContent, revision: str) -> None:
        self._begin("update_configuration")
        found = self._changeable(function, revision)
        found.content = replace(content, image=found.content.image, architecture=found.content.architecture)
        self._changed(found, "update_configuration")

    def publish(self, function: str, revision: str, code_sha256: str, description: str) -> str:
        self._begin("publish")
        found = self._changeable(function, revision)
        if found.published_revision != found.revision:
            found.published[str(found.next_number)] = found.content
            found.next_number += 1
            found.published_revision = found.revision
        self.after("publish")
        return str(found.next_number - 1)

    def alias(self, function: str, name: str) -> Alias | None:
        return self._found(function).aliases.get(name)

    def point_alias(
        self, function: str, name: str, number: str, canary: WeightedNumber | None, revision: str | None
    ) -> None:
        self._begin("point_alias")
        found = self._found(function)
        there = found.aliases.get(name)
        if (there.revision if there else None) != revision:
            raise StaleWriteError(f"Alias {name} was changed")
        if not {number, *((canary.number,) if canary else ())} <= found.published.keys():
            raise AwsResourceAbsentError(f"Function not found: {function}:{number}")
        found.aliases[name] = Alias(name, number, self._revision(), canary)
        self.after("point_alias")

    def delete_alias(self, function: str, name: str) -> None:
        self._begin("delete_alias")
        self._found(function).aliases.pop(name, None)
        self.after("delete_alias")

    def delete_published(self, function: str, number: str) -> None:
        self._begin("delete_published")
        found = self._found(function)
        led = [one for one in found.aliases.values() if number in (one.number, one.canary and one.canary.number)]
        if led:
            raise StaleWriteError(f"Version {number} is referenced by alias {led[0].name}")
        found.published.pop(number, None)
        found.provisioned.pop(number, None)
        self.after("delete_published")

    def delete(self, function: str) -> None:
        self._begin("delete")
        self._functions.pop(function, None)
        self.after("delete")

    def reserve(self, function: str, most: int | None) -> None:
        self._begin("reserve")
        self._found(function).reserved = most
        self.after("reserve")

    def provision(self, function: str, number: str, count: int) -> None:
        self._begin("provision")
        found = self._found(function)
        if number not in found.published:
            raise AwsResourceAbsentError(f"Function not found: {function}:{number}")
        found.provisioned.pop(number, None)
        if count:
            found.provisioned[number] = count
        self.after("provision")

    def functions(self, prefix: str) -> Sequence[str]:
        return sorted(name for name in self._functions if name.startswith(prefix))

    def _begin(self, call: str) -> None:
        self.calls.append(call)
        self.before(call)

    def _found(self, function: str) -> _Function:
        if function not in self._functions:
            raise AwsResourceAbsentError(f"Function not found: {function}")
        return self._functions[function]

    def _changeable(self, function: str, revision: str) -> _Function:
        """As AWS: one change at a time, and none by somebody who has not seen the last one."""
        found = self._found(function)
        if found.looks or found.revision != revision:
            raise StaleWriteError(f"Function {function} was changed")
        return found

    def _changed(self, found: _Function, call: str) -> None:
        found.revision, found.looks = self._revision(), self.settling
        self.after(call)

    def _readiness(self, found: _Function) -> Readiness:
        if found.looks:
            return Readiness.PENDING
        return Readiness.FAILED if found.content.image in self.broken else Readiness.READY

    def _revision(self) -> str:
        return f"revision-{next(self._revisions)}"


@dataclass
class FakeImages:
    """Implements `ImagePublisher`: an image is named after its model and takes no time to make."""

    published: set[str] = field(default_factory=set)
    after: Callable[[str], None] = lambda call: None

    def prepare(self, model: ModelId, bundle: Path, architecture: Architecture) -> str:
        return f"images.test/{model.name}@sha256:{model.version.encode().hex():0>64}"

    def is_published(self, image: str) -> bool:
        return image in self.published

    def publish(self, image: str) -> None:
        self.published.add(image)
        self.after("publish_image")


@dataclass
class FakeRegister:
    """Implements `VersionRegister`; `digest` is of the bundle that is being deployed."""

    digest: str
    registered: dict[ModelId, str] = field(default_factory=dict)
    after: Callable[[str], None] = lambda call: None

    def registered_digest(self, model: ModelId) -> str | None:
        return self.registered.get(model)

    def register(self, model: ModelId) -> None:
        if model in self.registered:
            raise VersionExistsError(f"model with name '{model.name}' and version '{model.version}' already exists")
        self.registered[model] = self.digest
        self.after("register")
