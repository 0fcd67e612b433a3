"""The cluster that is a stack on AWS: models are functions of Lambda, made from here, and asked through API Gateway."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from clipper_sls.aws_errors import AwsResourceAbsentError
from clipper_sls.config.settings import Settings
from clipper_sls.domain.bundle import MANIFEST_NAME, Manifest
from clipper_sls.domain.deployment.steps import Step
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import IncompatibleInputTypeError, InvalidSettingError, UnconnectedError, VersionExistsError
from clipper_sls.sdk import clipper_images, state_folder
from clipper_sls.sdk.clipper_images import digest_of
from clipper_sls.sdk.cluster_logger import ClusterAdapter, cluster_logger
from clipper_sls.sdk.container_manager import DEFAULT_PREDICTION_CACHE_SIZE_BYTES
from clipper_sls.sdk.function_deployment import FunctionOptions, Registration, desired_version
from clipper_sls.sdk.http_client import HttpClient
from clipper_sls.sdk.management_client import Answer, ManagementClient, NewVersion
from clipper_sls.sdk.query_client import QueryClient

if TYPE_CHECKING:
    from clipper_sls.bootstrap.cloud import Cloud
    from clipper_sls.packaging.signing import Signer
    from clipper_sls.ports.image_publisher import ImagePublisher
    from clipper_sls.sdk.local_images import LocalImages

MISSING_EXTRA = "Talking to AWS needs the module {name!r}, which is not installed here: pip install 'clipper-sls[aws]'"


class LambdaContainerManager:
    """The stack `stack_name`, which `sam deploy` has made. Needs credentials for AWS, where boto3 looks for them.

    `memory_mib`, `timeout_s`, `architecture` ("x86_64" or "arm64"), `environment` and `snap_start` are of the functions
    that are deployed from here; what is left out is as the settings say. A version has what it was deployed with for
    good. `on_step` is called with each step of a deployment before it is done; with `dry_run` none is done.
    """

    centralize_log = False

    def __init__(
        self,
        stack_name: str,
        region: str | None = None,
        *,
        memory_mib: int | None = None,
        timeout_s: int | None = None,
        architecture: str | None = None,
        environment: Mapping[str, str] | None = None,
        snap_start: bool | None = None,
        on_step: Callable[[Step], object] | None = None,
        dry_run: bool = False,
    ) -> None:
        self.cluster_name = stack_name
        self.cluster_identifier = stack_name
        self.stack_name = stack_name
        self.region = region
        self.dry_run = dry_run
        self.logger: ClusterAdapter = cluster_logger(__name__, stack_name)
        self._options = FunctionOptions(memory_mib, timeout_s, architecture, environment, snap_start)
        self._on_step = on_step
        self._cloud: Cloud | None = None

    @property
    def management(self) -> ManagementClient:
        from clipper_sls.sdk.aws_management import AwsManagement

        cloud = self._connected()
        return AwsManagement(HttpClient(cloud.outputs.management_url, auth=cloud.auth), cloud)

    @property
    def queries(self) -> QueryClient:
        """Signed, too, for predict URLs with IAM authorisation; others take no notice."""
        cloud = self._connected()
        return QueryClient(HttpClient(cloud.outputs.query_url, auth=cloud.auth))

    def start_clipper(
        self,
        query_frontend_image: str = clipper_images.QUERY_FRONTEND_IMAGE,
        mgmt_frontend_image: str = clipper_images.MANAGEMENT_FRONTEND_IMAGE,
        frontend_exporter_image: str = clipper_images.FRONTEND_EXPORTER_IMAGE,
        cache_size: int = DEFAULT_PREDICTION_CACHE_SIZE_BYTES,
        qf_http_thread_pool_size: int = 1,
        qf_http_timeout_request: int = 5,
        qf_http_timeout_content: int = 300,
        num_frontend_replicas: int = 1,
    ) -> None:
        """Connect; a stack is made by CloudFormation, and not from here. The arguments describe Clipper's containers.

        Raises AwsResourceAbsentError when there is no such stack.
        """
        self.connect()

    def connect(self) -> None:
        """See `ContainerManager.connect`. Raises AwsResourceAbsentError when there is no such stack."""
        cloud = self._found()
        if self._cloud is None:
            self._cloud = cloud

    def build_model(
        self,
        name: str,
        version: str,
        model_data_path: str,
        base_image: str,
        container_registry: str | None,
        pkgs_to_install: Sequence[str] | None,
    ) -> str:
        """See `ContainerManager.build_model`: the bundle is made now, and its image when it is deployed."""
        return self._built.build(
            name, version, Path(model_data_path), base_image, container_registry, pkgs_to_install or ()
        )

    def deploy_model(self, new: NewVersion) -> None:
        """See `ContainerManager.deploy_model`: what `build_model` made, or an image that is in a registry already.

        Lambda runs images of Amazon ECR in its own region, and no others.
        """
        from clipper_sls.sdk.local_images import unsupported

        with self._built.bundle(new) as bundle:
            if bundle is not None:
                self._deploy(new, bundle)
            elif digest_of(new.image) is None and "/" not in new.image:
                raise unsupported(new.image, "it is neither on this machine nor the name of an image in a registry")
            else:
                self._deploy_present(new)

    def deploy_bundle(self, new: NewVersion, bundle: Path, container_registry: str | None) -> None:
        """See `ContainerManager.deploy_bundle`. The image goes into the stack's own repository.

        Raises VersionExistsError when it is registered with this content already, and what `service.Deployer` raises.
        """
        if container_registry is not None:
            self.logger.warning("container_registry=%r has no effect: images go to the stack's own", container_registry)
        self._deploy(new, bundle)

    def _deploy(self, new: NewVersion, bundle: Path) -> None:
        architecture = self._options.chosen_architecture(self._settings)
        with self._connected().images(self._signer) as images:
            image = images.prepare(ModelId.of(new.name, new.version), bundle, architecture)
            digest = Manifest.from_json((bundle / MANIFEST_NAME).read_bytes()).digest
            self._bring(new, image, digest, images)

    def _deploy_present(self, new: NewVersion) -> None:
        found = self._connected().present_image(new.image, self._options.chosen_architecture(self._settings))
        if found.input_type != InputType.parse(new.input_type).value:
            raise IncompatibleInputTypeError(
                f"Image '{new.image}' is of a model that takes {found.input_type}, not {new.input_type}"
            )
        self._bring(new, found.image, found.bundle_digest, found)

    def _bring(self, new: NewVersion, image: str, bundle_digest: str, images: "ImagePublisher") -> None:
        cloud = self._connected()
        role = cloud.outputs.model_role
        content = self._options.content(self._settings, image=image, bundle_digest=bundle_digest, role=role)
        desired = desired_version(cloud.names, new, content)
        deployer = cloud.deployer(Registration(self.management, new, image), images, self._tell)
        if self.dry_run:
            for step in deployer.plan(desired):
                self._tell(step)
        elif not deployer.deploy(desired):
            raise VersionExistsError(f"model with name '{new.name}' and version '{new.version}' already exists")

    def get_logs(self, logging_dir: str) -> list[str]:
        """See `ContainerManager.get_logs`: those of the models; the stack's own functions have theirs in CloudWatch."""
        folder, paths = Path(logging_dir), []
        folder.mkdir(parents=True, exist_ok=True)
        for log in self.management.get_logs():
            path = folder / f"{self.stack_name}_{log['model_name']}_{log['model_version']}_{log['replica_id']}.log"
            path.write_text(log["text"])
            paths.append(str(path))
        return paths

    def inspect_instance(self) -> Answer:
        """What the stack is and how its models do. Metrics are in CloudWatch, since many environments answer."""
        management = self.management
        return {**management.get_status(), "pools": management.get_replicas()}

    def stop_all(self, graceful: bool = True) -> None:
        """Forget what is registered, and delete the functions of all models. The stack stays: see `sam delete`."""
        try:
            self.connect()
        except AwsResourceAbsentError:
            self.logger.info("There is no stack %s, so there is nothing to stop", self.stack_name)
            return
        management = self.management
        for application in management.get_all_applications(verbose=False):
            management.delete_app(application)
        for model in management.get_all_models(verbose=True):
            management.delete_versioned_model(model["model_name"], model["model_version"])
        self._connected().delete_functions()
        self._cloud = None

    def get_admin_addr(self) -> str:
        return _address(self._connected().outputs.management_url)

    def get_query_addr(self) -> str:
        return _address(self._connected().outputs.query_url)

    def get_metric_addr(self) -> str:
        return self.get_query_addr()

    @cached_property
    def _settings(self) -> Settings:
        return Settings.load(stack_name=self.stack_name, region=self.region)

    @property
    def _signer(self) -> "Signer":
        from clipper_sls.packaging.signing import Signer

        return Signer(self._settings.signing_key.expanduser(), self._settings.code_revision)

    @property
    def _built(self) -> "LocalImages":
        from clipper_sls.sdk.local_images import LocalImages

        folder = self._settings.state_root.expanduser() / f"aws-{self.stack_name}" / state_folder.BUILT
        folder.parent.mkdir(parents=True, exist_ok=True)
        return LocalImages(self.stack_name, folder, self._signer, self.logger)

    def _tell(self, step: Step) -> None:
        self.logger.info("%s", step.text)
        if self._on_step is not None:
            self._on_step(step)

    def _found(self) -> "Cloud":
        try:
            from clipper_sls.bootstrap.cloud import find_cloud

            return find_cloud(self._settings, self.stack_name, self._settings.region)
        except ModuleNotFoundError as error:
            if error.name not in ("boto3", "botocore"):
                raise
            raise InvalidSettingError(MISSING_EXTRA.format(name=error.name)) from error
        except AwsResourceAbsentError as error:
            raise AwsResourceAbsentError(
                f"{error.msg}. A stack is made from template.yaml, once: sam deploy --guided --stack-name "
                f"{self.stack_name}"
            ) from error

    def _connected(self) -> "Cloud":
        if self._cloud is None:
            raise UnconnectedError
        return self._cloud


def _address(url: str) -> str:
    """`host:port`, and what else comes before the names of applications."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"
