"""Everything the HTTP applications need, put together by `bootstrap`."""

from dataclasses import dataclass

from clipper_sls.ports.clock import Clock
from clipper_sls.ports.model_host import ModelHost
from clipper_sls.service.applications import ApplicationService
from clipper_sls.service.feedback import FeedbackService
from clipper_sls.service.models import ModelService
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView


@dataclass(frozen=True, slots=True)
class Services:
    registry: RegistryView
    applications: ApplicationService
    models: ModelService
    predictions: PredictionService
    feedback: FeedbackService
    host: ModelHost
    clock: Clock
