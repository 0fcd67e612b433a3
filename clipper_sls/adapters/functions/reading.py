"""What Lambda says of a function, in the words of `domain.deployment`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clipper_sls.domain.deployment.content import Architecture, FunctionContent
from clipper_sls.domain.deployment.observed import Alias, Provisioned, Readiness, WeightedNumber

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import (
        AliasConfigurationResponseTypeDef,
        AliasConfigurationTypeDef,
        FunctionConfigurationTypeDef,
        GetProvisionedConcurrencyConfigResponseTypeDef,
    )

ON_PUBLISHED_VERSIONS = "PublishedVersions"


def content_of(configuration: "FunctionConfigurationTypeDef", code: Mapping[str, Any]) -> FunctionContent:
    """`code` is the part of GetFunction's answer that says where the image is."""
    snap_start = configuration.get("SnapStart", {}).get("ApplyOn")
    return FunctionContent(
        image=str(code.get("ResolvedImageUri") or code.get("ImageUri") or ""),
        role=configuration.get("Role", ""),
        memory_mib=configuration.get("MemorySize", 0),
        timeout_s=configuration.get("Timeout", 0),
        architecture=Architecture((configuration.get("Architectures") or ["x86_64"])[0]),
        environment=dict(configuration.get("Environment", {}).get("Variables") or {}),
        snap_start=snap_start == ON_PUBLISHED_VERSIONS,
    )


def readiness_of(configuration: "FunctionConfigurationTypeDef") -> tuple[Readiness, str]:
    """And why, if it failed. One that was not asked for weeks is inactive, which the next invocation ends."""
    state, update = configuration.get("State"), configuration.get("LastUpdateStatus")
    if state == "Failed":
        return Readiness.FAILED, configuration.get("StateReason", "")
    if update == "Failed":
        return Readiness.FAILED, configuration.get("LastUpdateStatusReason", "")
    if state == "Pending" or update == "InProgress":
        return Readiness.PENDING, ""
    return Readiness.READY, ""


def alias_of(answer: "AliasConfigurationTypeDef | AliasConfigurationResponseTypeDef") -> Alias:
    weights = answer.get("RoutingConfig", {}).get("AdditionalVersionWeights") or {}
    canary = next((WeightedNumber(number, weight) for number, weight in weights.items()), None)
    return Alias(answer.get("Name", ""), answer.get("FunctionVersion", ""), answer.get("RevisionId", ""), canary)


def provisioned_of(answer: "GetProvisionedConcurrencyConfigResponseTypeDef") -> Provisioned:
    readiness = {"READY": Readiness.READY, "FAILED": Readiness.FAILED}.get(answer["Status"], Readiness.PENDING)
    return Provisioned(
        requested=answer["RequestedProvisionedConcurrentExecutions"],
        readiness=readiness,
        ready=answer.get("AvailableProvisionedConcurrentExecutions", 0),
        reason=answer.get("StatusReason", ""),
    )
