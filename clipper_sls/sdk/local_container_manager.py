"""The cluster that is an embedded engine on this machine: started in the background, found again by name, ended."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from clipper_sls.config.settings import Settings
from clipper_sls.errors import EngineRunningError, EngineStartError, UnconnectedError
from clipper_sls.sdk import clipper_images, state_folder
from clipper_sls.sdk.attach import Attachment, Ports, attach, attach_elsewhere, token_in
from clipper_sls.sdk.cluster_logger import ClusterAdapter, cluster_logger
from clipper_sls.sdk.container_manager import DEFAULT_CLUSTER_NAME, DEFAULT_PREDICTION_CACHE_SIZE_BYTES
from clipper_sls.sdk.engine_process import LOG_FILE, RunningEngine, end_engine, find_engine, start_engine
from clipper_sls.sdk.http_client import HttpClient
from clipper_sls.sdk.log_files import write_logs
from clipper_sls.sdk.management_client import Answer, ManagementClient, NewVersion
from clipper_sls.sdk.query_client import QueryClient

DEFAULT_QUERY_PORT = 1337
DEFAULT_MANAGEMENT_PORT = 1338

if TYPE_CHECKING:
    from clipper_sls.sdk.local_images import LocalImages

_DOCKER_DEFAULTS: Mapping[str, Any] = {
    "docker_ip_address": "localhost",
    "use_centralized_log": False,
    "fluentd_port": 24224,
    "clipper_rpc_port": 7000,
    "redis_ip": None,
    "redis_port": 6379,
    "prometheus_port": 9090,
    "docker_network": "clipper_network",
    "extra_container_kwargs": None,
}


class LocalContainerManager:
    """An engine on this machine. It outlives the script that starts it, as Clipper's containers did.

    `state_dir` holds everything that the engine keeps; without it, it is a folder named like the cluster in the user's
    state directory. Arguments of Clipper's DockerContainerManager that mean nothing here are taken, with a warning.
    With `keep_state` what was registered is still there when the cluster is started again after `stop_all`.
    `isolation` is what replicas of an engine that is started are, "process" or "container"; None leaves it to settings.
    """

    centralize_log = False

    def __init__(
        self,
        cluster_name: str = DEFAULT_CLUSTER_NAME,
        clipper_query_port: int = DEFAULT_QUERY_PORT,
        clipper_management_port: int = DEFAULT_MANAGEMENT_PORT,
        *,
        state_dir: str | Path | None = None,
        keep_state: bool = False,
        isolation: str | None = None,
        **docker_arguments: Any,
    ) -> None:
        self.cluster_name = cluster_name
        self.cluster_identifier = cluster_name
        self.clipper_query_port = clipper_query_port
        self.clipper_management_port = clipper_management_port
        self.keep_state = keep_state
        self.isolation = isolation
        self.logger: ClusterAdapter = cluster_logger(__name__, cluster_name)
        self._given_state_dir = state_dir
        self._attachment: Attachment | None = None
        unknown = sorted(docker_arguments.keys() - _DOCKER_DEFAULTS.keys())
        if unknown:
            raise TypeError(f"LocalContainerManager got unexpected arguments: {', '.join(unknown)}")
        self._warn_about(docker_arguments, _DOCKER_DEFAULTS)

    @property
    def state_dir(self) -> Path:
        """The folder that holds the cluster's state."""
        return self._settings.state_path

    def is_running(self) -> bool:
        """Whether an engine runs on `state_dir`, whoever started it."""
        return find_engine(self.state_dir) is not None

    @property
    def management(self) -> ManagementClient:
        attachment = self._attached()
        return ManagementClient(HttpClient(attachment.management, self._token(attachment.state_dir)))

    @property
    def queries(self) -> QueryClient:
        return QueryClient(HttpClient(self._attached().query))

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
        given = {
            "query_frontend_image": query_frontend_image,
            "mgmt_frontend_image": mgmt_frontend_image,
            "frontend_exporter_image": frontend_exporter_image,
            "qf_http_thread_pool_size": qf_http_thread_pool_size,
            "qf_http_timeout_request": qf_http_timeout_request,
            "qf_http_timeout_content": qf_http_timeout_content,
            "num_frontend_replicas": num_frontend_replicas,
        }
        self._warn_about(given, clipper_images.START_DEFAULTS)
        self._check_not_running()
        if self.keep_state:
            state_folder.unmark(self.state_dir)
        else:
            state_folder.mark_if_new(self.state_dir)
        self._attach_to(Attachment.to(self._start(cache_size), self.state_dir))

    def connect(self) -> None:
        settings = self._settings
        if settings.management_url is not None:
            token = self._token(self.state_dir)
            self._attach_to(attach_elsewhere(settings.management_url, settings.query_url, token))
            return
        given = (self.clipper_query_port, self.clipper_management_port)
        ports = Ports(self.clipper_management_port, are_usual=given == (DEFAULT_QUERY_PORT, DEFAULT_MANAGEMENT_PORT))
        token = self._token(self.state_dir)
        self._attach_to(attach(self.cluster_name, self.state_dir, ports, token))

    def build_model(
        self,
        name: str,
        version: str,
        model_data_path: str,
        base_image: str,
        container_registry: str | None,
        pkgs_to_install: Sequence[str] | None,
    ) -> str:
        return self._images.build(
            name, version, Path(model_data_path), base_image, container_registry, pkgs_to_install or ()
        )

    def deploy_model(self, new: NewVersion) -> None:
        self._images.deploy(self.management, new)

    def deploy_bundle(self, new: NewVersion, bundle: Path, container_registry: str | None) -> None:
        self._images.deploy_bundle(self.management, new, bundle, container_registry)

    def get_logs(self, logging_dir: str) -> list[str]:
        engine_log = self._attached().state_dir / LOG_FILE
        return write_logs(self.management, self.cluster_name, engine_log, Path(logging_dir))

    def inspect_instance(self) -> Answer:
        metrics: Answer = HttpClient(self._attached().query).get("/metrics").json()
        return metrics

    def stop_all(self, graceful: bool = True) -> None:
        running = find_engine(self.state_dir)
        if running is not None:
            end_engine(running.process, graceful)
        elif self._attachment is not None:
            self._end(self._attachment, graceful)
        self._attachment = None
        if not self.keep_state and not state_folder.forget(self.state_dir):
            self.logger.info("What is registered stays in %s: it was not started by the SDK", self.state_dir)

    def _end(self, attachment: Attachment, graceful: bool) -> None:
        """An engine whose process cannot be seen from here is asked to end, which is all that can be done."""
        if attachment.running is not None:
            end_engine(attachment.running.process, graceful)
        else:
            self.management.shutdown()

    def get_admin_addr(self) -> str:
        if self._attachment is None:
            return f"127.0.0.1:{self.clipper_management_port}"
        return urlsplit(self._attachment.management).netloc

    def get_query_addr(self) -> str:
        if self._attachment is None:
            return f"127.0.0.1:{self.clipper_query_port}"
        return urlsplit(self._attachment.query).netloc

    def get_metric_addr(self) -> str:
        return self.get_query_addr()

    @cached_property
    def _settings(self) -> Settings:
        return Settings.load(cluster_name=self.cluster_name, state_dir=self._given_state_dir)

    @property
    def _images(self) -> "LocalImages":
        from clipper_sls.packaging.signing import Signer
        from clipper_sls.sdk.local_images import LocalImages

        signer = Signer(self._settings.signing_key.expanduser(), self._settings.code_revision)
        return LocalImages(self.cluster_name, self.state_dir / state_folder.BUILT, signer, self.logger)

    def _token(self, state_dir: Path) -> str | None:
        token = self._settings.management_token
        return token.get_secret_value() if token is not None else token_in(state_dir)

    def _attached(self) -> Attachment:
        if self._attachment is None:
            raise UnconnectedError
        return self._attachment

    def _attach_to(self, attachment: Attachment) -> None:
        """From here on the ports are those that the engine has, which may have moved."""
        self._attachment = attachment
        self.clipper_query_port = _port(attachment.query, self.clipper_query_port)
        self.clipper_management_port = _port(attachment.management, self.clipper_management_port)

    def _start(self, cache_size: int) -> RunningEngine:
        options = [
            *("--cluster-name", self.cluster_name),
            *("--query-port", str(self.clipper_query_port)),
            *("--management-port", str(self.clipper_management_port)),
            "--move-ports",
        ]
        if self.isolation is not None:
            options += ["--isolation", self.isolation]
        if cache_size != DEFAULT_PREDICTION_CACHE_SIZE_BYTES:
            options += ["--cache-size-bytes", str(cache_size)]
        try:
            return start_engine(self.state_dir, options)
        except EngineStartError:
            self._check_not_running()  # somebody else may have started it in this moment
            raise

    def _check_not_running(self) -> None:
        if self.is_running():
            raise EngineRunningError(
                f"Cluster {self.cluster_name} cannot be started because it already exists. "
                f"Please use ClipperConnection.connect() to connect to it."
            )

    def _warn_about(self, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        for name, value in given.items():
            if value != defaults[name]:
                self.logger.warning(
                    "%s=%r has no effect: there are no containers on this machine's engine", name, value
                )


def _port(url: str, otherwise: int) -> int:
    return urlsplit(url).port or otherwise
