"""Functions on AWS Lambda, through boto3."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.function_logs import keep_logs
from clipper_sls.adapters.functions.reading import (
    ON_PUBLISHED_VERSIONS,
    alias_of,
    content_of,
    provisioned_of,
    readiness_of,
)
from clipper_sls.adapters.functions.vendor_errors import translated
from clipper_sls.aws_errors import AwsResourceAbsentError
from clipper_sls.domain.deployment.content import FunctionContent
from clipper_sls.domain.deployment.observed import (
    Alias,
    Latest,
    ObservedFunction,
    Provisioned,
    Published,
    Readiness,
    WeightedNumber,
)

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationTypeDef

UNPUBLISHED = "$LATEST"
LOOKERS = 8
"""Threads that ask for the images of published versions, one call each."""

_Version = tuple[str, str]  # ARN with the number, revision
_Details = Mapping[str, Any]  # what GetFunction answers


class LambdaProvisioner:
    """Implements `Provisioner`. Remembers published versions that are ready, since they never change.

    `log_retention_days` is how long what a function prints is kept, for functions that are made from here; None leaves
    their log groups to Lambda, which keeps everything.
    """

    def __init__(self, clients: AwsClients, log_retention_days: int | None = None) -> None:
        self._clients = clients
        self._log_retention_days = log_retention_days
        self._ready: dict[_Version, _Details] = {}

    @property
    def _aws(self) -> "LambdaClient":
        return self._clients.functions

    def observe(self, function: str) -> ObservedFunction | None:
        try:
            with translated(f"say how {function} is"):
                found = self._aws.get_function(FunctionName=function)
                versions = list(self._versions(function))
                aliases = [alias_of(answer) for answer in self._aliases(function)]
                details = self._details_of(function, versions)
        except AwsResourceAbsentError:
            return None
        configuration = found["Configuration"]
        latest = Latest(
            content_of(configuration, found["Code"]),
            configuration.get("RevisionId", ""),
            configuration.get("CodeSha256", ""),
            *readiness_of(configuration),
        )
        published = [
            Published(version["Version"], content_of(version, one["Code"]), *readiness_of(one["Configuration"]))
            for version, one in zip(versions, details, strict=True)
        ]
        return ObservedFunction(
            name=function,
            latest=latest,
            published=tuple(sorted(published, key=lambda one: int(one.number))),
            aliases={alias.name: alias for alias in aliases},
            reserved=found.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        )

    def provisioned(self, function: str, number: str) -> Provisioned | None:
        try:
            with translated(f"say what is kept ready for {function}:{number}"):
                return provisioned_of(
                    self._aws.get_provisioned_concurrency_config(FunctionName=function, Qualifier=number)
                )
        except AwsResourceAbsentError:
            return None

    def create(self, function: str, content: FunctionContent) -> None:
        with translated(f"create the function {function}"):
            if self._log_retention_days is not None:
                keep_logs(self._clients, function, self._log_retention_days)
            self._aws.create_function(
                FunctionName=function,
                PackageType="Image",
                Code={"ImageUri": content.image},
                Architectures=[content.architecture.value],
                **_configuration(content, says_snap_start=content.snap_start),
            )

    def update_code(self, function: str, content: FunctionContent, revision: str) -> None:
        with translated(f"update the code of {function}"):
            self._aws.update_function_code(
                FunctionName=function,
                ImageUri=content.image,
                Architectures=[content.architecture.value],
                RevisionId=revision,
            )

    def update_configuration(self, function: str, content: FunctionContent, revision: str) -> None:
        with translated(f"update the configuration of {function}"):
            now = self._aws.get_function_configuration(FunctionName=function).get("SnapStart", {})
            is_on = now.get("ApplyOn") == ON_PUBLISHED_VERSIONS
            configuration = _configuration(content, says_snap_start=is_on or content.snap_start)
            self._aws.update_function_configuration(FunctionName=function, RevisionId=revision, **configuration)

    def publish(self, function: str, revision: str, code_sha256: str, description: str) -> str:
        sha256: Any = {"CodeSha256": code_sha256} if code_sha256 else {}
        with translated(f"publish a version of {function}"):
            return self._aws.publish_version(
                FunctionName=function, RevisionId=revision, Description=description, **sha256
            )["Version"]

    def alias(self, function: str, name: str) -> Alias | None:
        try:
            with translated(f"say where {function}:{name} leads"):
                return alias_of(self._aws.get_alias(FunctionName=function, Name=name))
        except AwsResourceAbsentError:
            return None

    def point_alias(
        self, function: str, name: str, number: str, canary: WeightedNumber | None, revision: str | None
    ) -> None:
        weights = {canary.number: canary.weight} if canary else {}
        where: Any = {
            "FunctionName": function,
            "Name": name,
            "FunctionVersion": number,
            "RoutingConfig": {"AdditionalVersionWeights": weights},
        }
        with translated(f"point {function}:{name} at version {number}"):
            if revision is None:
                self._aws.create_alias(**where)
            else:
                self._aws.update_alias(**where, RevisionId=revision)

    def delete_alias(self, function: str, name: str) -> None:
        with _unless_absent(f"delete the alias {function}:{name}"):
            self._aws.delete_alias(FunctionName=function, Name=name)

    def delete_published(self, function: str, number: str) -> None:
        with _unless_absent(f"delete version {number} of {function}"):
            self._aws.delete_function(FunctionName=function, Qualifier=number)

    def delete(self, function: str) -> None:
        with _unless_absent(f"delete the function {function}"):
            self._aws.delete_function(FunctionName=function)

    def reserve(self, function: str, most: int | None) -> None:
        with translated(f"limit the concurrency of {function}"):
            if most is None:
                self._aws.delete_function_concurrency(FunctionName=function)
            else:
                self._aws.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=most)

    def provision(self, function: str, number: str, count: int) -> None:
        with translated(f"keep {count} ready for {function}:{number}"):
            if count == 0:
                self._aws.delete_provisioned_concurrency_config(FunctionName=function, Qualifier=number)
            else:
                self._aws.put_provisioned_concurrency_config(
                    FunctionName=function, Qualifier=number, ProvisionedConcurrentExecutions=count
                )

    def functions(self, prefix: str) -> Sequence[str]:
        with translated("list functions"):
            pages = self._aws.get_paginator("list_functions").paginate()
            names = [one["FunctionName"] for page in pages for one in page["Functions"]]
        return sorted(name for name in names if name.startswith(prefix))

    def _versions(self, function: str) -> "Iterable[FunctionConfigurationTypeDef]":
        for page in self._aws.get_paginator("list_versions_by_function").paginate(FunctionName=function):
            for version in page["Versions"]:
                if version["Version"] != UNPUBLISHED:
                    yield version

    def _aliases(self, function: str) -> Iterable[Any]:
        for page in self._aws.get_paginator("list_aliases").paginate(FunctionName=function):
            yield from page["Aliases"]

    def _details_of(self, function: str, versions: "Sequence[FunctionConfigurationTypeDef]") -> Sequence[_Details]:
        """Only GetFunction names a version's image, and says whether it is active: a list says neither."""
        keys = [(f"{one['FunctionArn']}:{one['Version']}", one.get("RevisionId", "")) for one in versions]
        missing = [(key, one["Version"]) for key, one in zip(keys, versions, strict=True) if key not in self._ready]
        found: dict[_Version, _Details] = {}
        if missing:
            with ThreadPoolExecutor(LOOKERS) as threads:
                answers = threads.map(lambda one: self._details(function, one[1]), missing)
                found = {key: answer for (key, _), answer in zip(missing, answers, strict=True)}
        self._ready |= {key: one for key, one in found.items() if _is_ready(one)}
        return [found.get(key) or self._ready[key] for key in keys]

    def _details(self, function: str, number: str) -> _Details:
        return dict(self._aws.get_function(FunctionName=function, Qualifier=number))


def _is_ready(details: _Details) -> bool:
    return readiness_of(details["Configuration"])[0] is Readiness.READY


def _configuration(content: FunctionContent, *, says_snap_start: bool) -> Any:
    """What CreateFunction and UpdateFunctionConfiguration have in common.

    Where SnapStart is neither on nor wanted nothing is said of it: for images some refuse even to switch it off.
    """
    snap_start = {"ApplyOn": ON_PUBLISHED_VERSIONS if content.snap_start else "None"}
    return {
        "Role": content.role,
        "MemorySize": content.memory_mib,
        "Timeout": content.timeout_s,
        "Environment": {"Variables": dict(content.environment)},
        **({"SnapStart": snap_start} if says_snap_start else {}),
    }


@contextmanager
def _unless_absent(doing: str) -> Iterator[None]:
    """What is to be deleted and is not there needs nothing done."""
    with suppress(AwsResourceAbsentError), translated(doing):
        yield
