"""Everything the HTTP applications need, put together by `bootstrap`."""

from dataclasses import dataclass

from clipper_sls.ports.clock import Clock
from clipper_sls.ports.job_queue import DeadLetters
from clipper_sls.ports.model_host import ModelHost
from clipper_sls.service.applications import ApplicationService
from clipper_sls.service.feedback import FeedbackService
from clipper_sls.service.jobs import JobService
from clipper_sls.service.models import ModelService
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView


@dataclass(frozen=True, slots=True)
class PredictionServices:
    """What answers queries."""

    registry: RegistryView
    predictions: PredictionService
    clock: Clock


@dataclass(frozen=True, slots=True)
class HostingServices(PredictionServices):
    """And tells how the models do."""

    host: ModelHost


@dataclass(frozen=True, slots=True)
class Services(HostingServices):
    """And what else an engine does."""

    applications: ApplicationService
    models: ModelService
    feedback: FeedbackService
    jobs: JobService
    dead_letters: DeadLetters
