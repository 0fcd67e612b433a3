"""A stack on AWS and what is done with it from a data scientist's machine, put together."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event

import httpx2

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.function_logs import FunctionLog, function_logs
from clipper_sls.adapters.functions.image_login import image_login
from clipper_sls.adapters.functions.lambda_functions import LambdaProvisioner
from clipper_sls.adapters.functions.signed_requests import SignedRequests
from clipper_sls.adapters.functions.stacks import StackOutputs, stack_outputs
from clipper_sls.bootstrap.function_images import PresentImage, function_images, present_image
from clipper_sls.config import Settings
from clipper_sls.domain.deployment.content import Architecture
from clipper_sls.domain.deployment.steps import Step
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.domain.identifiers import ModelName
from clipper_sls.packaging.signing import Signer
from clipper_sls.ports.image_publisher import ImagePublisher
from clipper_sls.ports.version_register import VersionRegister
from clipper_sls.service.deploying import Deployer


@dataclass(frozen=True, slots=True)
class Cloud:
    """One stack. Everything that asks AWS may raise the errors of `clipper_sls.aws_errors`."""

    settings: Settings
    names: StackNames
    clients: AwsClients
    outputs: StackOutputs

    @property
    def auth(self) -> httpx2.Auth:
        """Signs requests to the stack's APIs."""
        return SignedRequests(self.clients)

    @contextmanager
    def images(self, signer: Signer) -> Iterator[ImagePublisher]:
        """Where the stack's images go."""
        with function_images(
            self.settings, self.outputs.image_repository, signer, lambda: image_login(self.clients)
        ) as images:
            yield images

    def present_image(self, name: str, architecture: Architecture) -> PresentImage:
        """An image that was pushed before. Raises UnsupportedImageError, and what registries raise."""
        return present_image(name, architecture, lambda: image_login(self.clients))

    def deployer(self, register: VersionRegister, images: ImagePublisher, tell: Callable[[Step], object]) -> Deployer:
        return Deployer(
            provisioner=LambdaProvisioner(self.clients, self.outputs.log_retention_days),
            register=register,
            images=images,
            pause=Event().wait,
            chance=random.Random(),  # noqa: S311 - who of two waits longer
            tell=tell,
        )

    def logs(self, model: ModelName, tail_lines: int) -> Sequence[FunctionLog]:
        """What the model's function printed, of all its versions."""
        return function_logs(self.clients, self.names.function(model), tail_lines)

    def delete_functions(self) -> None:
        """All functions of the stack's models, and nothing else of the stack."""
        provisioner = LambdaProvisioner(self.clients)
        for function in provisioner.functions(self.names.model_functions):
            provisioner.delete(function)


def find_cloud(settings: Settings, stack: str, region: str | None) -> Cloud:
    """The stack by its name. Raises AwsResourceAbsentError when there is none."""
    names, clients = StackNames(stack), AwsClients(region)
    return Cloud(settings, names, clients, stack_outputs(clients, stack))
