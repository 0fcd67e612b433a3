"""Everything the HTTP applications need, put together by `bootstrap`.

Imports nothing of it: who answers queries alone does without the rest.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clipper_sls.ports.clock import Clock
    from clipper_sls.ports.job_queue import DeadLetters
    from clipper_sls.ports.model_host import HostStatus, ModelHost
    from clipper_sls.service.applications import ApplicationService
    from clipper_sls.service.feedback import FeedbackService
    from clipper_sls.service.jobs import JobService
    from clipper_sls.service.models import ModelService
    from clipper_sls.service.predict import PredictionService
    from clipper_sls.service.registry_view import RegistryView


@dataclass(frozen=True, slots=True)
class PredictionServices:
    """What answers queries."""

    registry: "RegistryView"
    predictions: "PredictionService"
    clock: "Clock"


@dataclass(frozen=True, slots=True)
class HostingServices(PredictionServices):
    """And tells how the models do."""

    host: "HostStatus"


@dataclass(frozen=True, slots=True)
class QueryServices(HostingServices):
    """And takes feedback and jobs: all that clients ask for."""

    feedback: "FeedbackService"
    jobs: "JobService"


@dataclass(frozen=True, slots=True)
class Services(QueryServices):
    """And what else an engine does."""

    host: "ModelHost"
    applications: "ApplicationService"
    models: "ModelService"
    dead_letters: "DeadLetters"
