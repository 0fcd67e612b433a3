"""Models of which nobody here runs a replica: AWS starts one when it is asked."""

from collections.abc import Sequence

from clipper_sls.domain.replicas import Health, PoolStatus
from clipper_sls.service.registry_view import RegistryView


class RegisteredModels:
    """Implements `HostStatus` from what is registered: a version with a function sleeps until it is asked."""

    def __init__(self, view: RegistryView) -> None:
        self._view = view

    def pools(self) -> Sequence[PoolStatus]:
        return [
            PoolStatus(
                model=version.id,
                health=Health.OFF if version.function is None else Health.ASLEEP,
                scaling=version.scaling,
                replicas=(),
                queued_rows=0,
                consecutive_crashes=0,
                last_error=None,
            )
            for version in self._view.snapshot.versions.values()
        ]
