"""One model version on its way to AWS Lambda: what there shall be, and how it is registered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

from clipper_sls.config.settings import Settings
from clipper_sls.domain.deployment.concurrency import ON_DEMAND
from clipper_sls.domain.deployment.content import BUNDLE_DIGEST_VARIABLE, Architecture, FunctionContent
from clipper_sls.domain.deployment.planning import DesiredVersion
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import MAX_REPLICAS, Scaling
from clipper_sls.sdk.management_client import ManagementClient, NewVersion, ReplicaBounds

CLIPPERS_DEFAULT = ReplicaBounds(1)


@dataclass(frozen=True, slots=True)
class FunctionOptions:
    """What a container manager was told of its functions; what is None is as the settings say."""

    memory_mib: int | None = None
    timeout_s: int | None = None
    architecture: str | None = None
    environment: Mapping[str, str] | None = None
    snap_start: bool | None = None

    def content(self, settings: Settings, *, image: str, bundle_digest: str, role: str) -> FunctionContent:
        """Raises InvalidSettingError for what Lambda does not take."""
        environment = settings.function_environment if self.environment is None else self.environment
        return FunctionContent(
            image=image,
            role=role,
            memory_mib=settings.replica_memory_mib if self.memory_mib is None else self.memory_mib,
            timeout_s=ceil(settings.function_timeout_s) if self.timeout_s is None else self.timeout_s,
            architecture=self.chosen_architecture(settings),
            environment={**environment, BUNDLE_DIGEST_VARIABLE: bundle_digest},
            snap_start=settings.snap_start if self.snap_start is None else self.snap_start,
        ).checked()

    def chosen_architecture(self, settings: Settings) -> Architecture:
        return Architecture.parse(self.architecture or settings.function_architecture)


def scaling_of(bounds: ReplicaBounds) -> Scaling:
    """One replica and no more, which is what Clipper starts by default, is no wish: Lambda starts what is needed.

    `num_replicas` is kept ready, and so is `min_replicas`; `max_replicas` is reserved.
    """
    if bounds == CLIPPERS_DEFAULT or bounds == ReplicaBounds():
        return ON_DEMAND
    if bounds.min_replicas is None and bounds.max_replicas is None:
        return Scaling(bounds.num_replicas or 0, MAX_REPLICAS)
    return Scaling(bounds.min_replicas or 0, MAX_REPLICAS if bounds.max_replicas is None else bounds.max_replicas)


def desired_version(names: StackNames, new: NewVersion, content: FunctionContent) -> DesiredVersion:
    model = ModelId.of(new.name, new.version)
    return DesiredVersion(model, names.function(model.name), content, scaling_of(new.replicas))


@dataclass(frozen=True, slots=True)
class Registration:
    """Implements `VersionRegister` by the management API."""

    management: ManagementClient
    new: NewVersion
    image: str

    def registered_digest(self, model: ModelId) -> str | None:
        found = self.management.get_model(model.name, model.version)
        return (found["bundle_digest"] or "") if found else None

    def register(self, model: ModelId) -> None:
        scaling = scaling_of(self.new.replicas)
        bounds = ReplicaBounds(min_replicas=scaling.minimum, max_replicas=scaling.maximum)
        self.management.add_model(replace(self.new, image=self.image, replicas=bounds))
