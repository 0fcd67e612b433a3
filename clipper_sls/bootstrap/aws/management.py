"""The management function: the engine's management application, over functions instead of replicas.

Who may come this far is IAM's to say. It is asked seldom, so its cold start is not what matters.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from clipper_sls import __version__
from clipper_sls.adapters.aws.sqs.dead_letters import SqsDeadLetters
from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.first_call import FirstCall
from clipper_sls.adapters.functions.function_host import FunctionHost
from clipper_sls.adapters.functions.lambda_functions import LambdaProvisioner
from clipper_sls.adapters.functions.no_bundles import NoBundles
from clipper_sls.bootstrap.aws.asking import asking_of, job_service, queue_of
from clipper_sls.bootstrap.aws.feedback import feedback_service
from clipper_sls.bootstrap.aws.function import StackFunction
from clipper_sls.bootstrap.aws.http_function import Handler, http_handler
from clipper_sls.config.environment import environment
from clipper_sls.domain.records import ModelVersion
from clipper_sls.errors import ForbiddenError
from clipper_sls.http.lazy_app import LazyApp
from clipper_sls.http.management import EngineInfo, create_management_app
from clipper_sls.service.applications import ApplicationService
from clipper_sls.service.models import ModelService
from clipper_sls.service.services import Services

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def management_handler(variables: Mapping[str, str] | None = None) -> Handler:
    """From the process's environment unless `variables` are given. Asks nothing yet; raises InvalidSettingError."""
    function = StackFunction(environment() if variables is None else variables)
    services = _services(function)
    app = LazyApp(lambda: _app(function, services), before=services.registry.load)
    return http_handler(function, app, warm_up=lambda: None)


def _services(function: StackFunction) -> Services:
    asking = asking_of(function)
    view, names = asking.registry, function.names
    clients = AwsClients(function.client.endpoints.region)

    def versions() -> Iterable[ModelVersion]:
        return view.snapshot.versions.values()

    host = FunctionHost(
        names=names,
        provisioner=LambdaProvisioner(clients),
        first_call=FirstCall(clients),
        versions=versions,
        clock=function.clock,
        chance=function.chance,
    )
    return Services(
        registry=view,
        predictions=asking.predictions,
        clock=function.clock,
        host=host,
        applications=ApplicationService(registry=view),
        models=ModelService(registry=view, host=host, bundles=NoBundles(), clock=function.clock),
        feedback=feedback_service(function),
        jobs=job_service(function, view),
        dead_letters=SqsDeadLetters(
            queue_of(function, names.dead_letter_queue),
            queue_of(function, names.jobs_queue),
            max_receives=function.settings.jobs_max_receives,
        ),
    )


def _app(function: StackFunction, services: Services) -> "ASGIApp":
    settings = function.settings
    info = EngineInfo(
        version=__version__,
        pid=0,
        cluster_name=settings.stack_name,
        state_dir="",
        started_at=function.clock.wall(),
        query=settings.query_url,
        management=settings.management_url,
    )
    return create_management_app(
        services,
        info=info,
        is_ready=lambda: {"ready": True, "unwell": {}},
        shut_down=_refuse,
        max_bundle_bytes=0,
        token=None,
        is_guarded=False,
    )


def _refuse() -> None:
    raise ForbiddenError("A stack on AWS runs while it is there; end it with `sam delete`")
