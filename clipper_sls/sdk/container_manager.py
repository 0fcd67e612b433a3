"""What `ClipperConnection` needs of the place where a cluster runs. Names are Clipper's where the meaning is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from clipper_sls.sdk.management_client import Answer, ManagementClient, NewVersion
from clipper_sls.sdk.query_client import QueryClient

DEFAULT_CLUSTER_NAME = "default-cluster"
DEFAULT_PREDICTION_CACHE_SIZE_BYTES = 33554432


class ContainerManager(Protocol):
    """A cluster, named by its user; running or not.

    What asks a running cluster raises UnconnectedError before `start_clipper` or `connect` has returned.
    """

    @property
    def cluster_name(self) -> str:
        """Name of the cluster."""
        ...

    @property
    def cluster_identifier(self) -> str:
        """Clipper's second name for the same: what log lines and images begin with."""
        ...

    @property
    def centralize_log(self) -> bool:
        """Whether logs are collected in one place of their own."""
        ...

    @property
    def management(self) -> ManagementClient:
        """The management API of the running cluster."""
        ...

    @property
    def queries(self) -> QueryClient:
        """The predict URLs of the running cluster."""
        ...

    def start_clipper(
        self,
        query_frontend_image: str,
        mgmt_frontend_image: str,
        frontend_exporter_image: str,
        cache_size: int,
        qf_http_thread_pool_size: int,
        qf_http_timeout_request: int,
        qf_http_timeout_content: int,
        num_frontend_replicas: int = 1,
    ) -> None:
        """Start the cluster and connect to it; returns when it is ready.

        Raises EngineRunningError when it runs already.
        """
        ...

    def connect(self) -> None:
        """Attach to the running cluster; raises UnconnectedError when there is none."""
        ...

    def build_model(
        self,
        name: str,
        version: str,
        model_data_path: str,
        base_image: str,
        container_registry: str | None,
        pkgs_to_install: Sequence[str] | None,
    ) -> str:
        """Make an image of a folder; returns its name. Needs no running cluster."""
        ...

    def deploy_model(self, new: NewVersion) -> None:
        """Start the replicas of `new.image`, wait for them, register the version, make it current: all or nothing."""
        ...

    def deploy_bundle(self, new: NewVersion, bundle: Path, container_registry: str | None) -> None:
        """The same for a bundle that lies in a folder; `new.image` is not looked at."""
        ...

    def get_logs(self, logging_dir: str) -> list[str]:
        """Write every log into a file of its own; returns the paths of the files."""
        ...

    def inspect_instance(self) -> Answer:
        """The metrics of the query frontend."""
        ...

    def stop_all(self, graceful: bool = True) -> None:
        """End the cluster, running or not, connected or not, and forget what was registered."""
        ...

    def get_admin_addr(self) -> str:
        """`host:port` of the management frontend."""
        ...

    def get_query_addr(self) -> str:
        """`host:port` of the query frontend."""
        ...

    def get_metric_addr(self) -> str:
        """`host:port` that serves `/metrics`."""
        ...
