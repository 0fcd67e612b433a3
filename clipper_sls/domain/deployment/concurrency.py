"""Replicas, as Lambda has them: execution environments, kept ready or made when somebody asks. Pure."""

from dataclasses import dataclass

from clipper_sls.domain.records import MAX_REPLICAS, Scaling
from clipper_sls.errors import InvalidSettingError

ON_DEMAND = Scaling(0, MAX_REPLICAS)
"""Nothing is kept ready, nothing costs while nobody asks, and nothing limits the version but the account."""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """`provisioned` is the version's own; `reserved`, None where there is no limit, is shared by all of the model."""

    provisioned: int
    reserved: int | None


def concurrency_of(scaling: Scaling) -> Concurrency:
    """The minimum of replicas is kept ready, and the maximum is reserved. Raises InvalidSettingError for 0 and 0."""
    if scaling.maximum == 0:
        raise InvalidSettingError(
            "On AWS Lambda a version cannot be switched off: its model's other versions would be, too. Without a "
            "minimum it costs nothing while nobody asks: set min_replicas=0 and leave out the number of replicas"
        )
    limited = scaling.maximum < MAX_REPLICAS
    return Concurrency(scaling.minimum, scaling.maximum if limited else None)
