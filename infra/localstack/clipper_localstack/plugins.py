"""What LocalStack finds by the entry points in pyproject.toml: the executor, and services that moto answers."""

from typing import Any

from localstack import config
from localstack.runtime import hooks
from localstack.services.plugins import Service, aws_provider
from plux import Plugin

from clipper_localstack import mending


class ProcessExecutorPlugin(Plugin):
    """Chosen by LAMBDA_RUNTIME_EXECUTOR=clipper."""

    namespace = "localstack.lambda.runtime_executor"
    name = "clipper"

    def load(self, *args: Any, **kwargs: Any) -> Any:
        from clipper_localstack.executor import ProcessExecutor

        return ProcessExecutor


@hooks.on_infra_start()
def mend() -> None:
    if ProcessExecutorPlugin.name == config.LAMBDA_RUNTIME_EXECUTOR:
        mending.mend()


def _answered_by_moto(api: str) -> Service:
    from localstack.aws.skeleton import Skeleton
    from localstack.aws.spec import load_service
    from localstack.services.moto import call_moto

    service = load_service(api)
    operations = {name: lambda context, _: call_moto(context) for name in service.operation_names}
    return Service(api, skeleton=Skeleton(service, operations))


@aws_provider(api="dynamodb", name="moto")
def dynamodb() -> Service:
    return _answered_by_moto("dynamodb")


@aws_provider(api="dynamodbstreams", name="moto")
def dynamodbstreams() -> Service:
    return _answered_by_moto("dynamodbstreams")


@aws_provider(api="ecr", name="default")
def ecr() -> Service:
    return _answered_by_moto("ecr")


@aws_provider(api="apigatewayv2", name="default")
def apigatewayv2() -> Service:
    return _answered_by_moto("apigatewayv2")


@aws_provider(api="application-autoscaling", name="default")
def application_autoscaling() -> Service:
    return _answered_by_moto("application-autoscaling")
