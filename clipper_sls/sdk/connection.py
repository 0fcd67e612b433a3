"""`ClipperConnection`, the public face of the SDK: every method of Clipper's, and a few more.

Names, arguments, defaults, answers and errors are those of `clipper_admin` 0.4.1.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from clipper_sls.errors import UnconnectedError
from clipper_sls.sdk import clipper_images
from clipper_sls.sdk.application_methods import ApplicationMethods
from clipper_sls.sdk.bulk_methods import BulkMethods
from clipper_sls.sdk.container_manager import DEFAULT_PREDICTION_CACHE_SIZE_BYTES
from clipper_sls.sdk.job_methods import JobMethods
from clipper_sls.sdk.management_client import Answer
from clipper_sls.sdk.replica_methods import ReplicaMethods


class ClipperConnection(ApplicationMethods, ReplicaMethods, BulkMethods, JobMethods):
    """A connection to the cluster that a container manager names.

    Nothing happens on construction: call `start_clipper` to start a cluster, or `connect` to attach to a running one.
    """

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
        """Start a cluster and connect to it; returns when it answers.

        `cache_size` is the size of the prediction cache in bytes. The other arguments describe Clipper's containers;
        they are accepted for its scripts' sake, and a warning says that they have no effect.
        """
        self.cm.start_clipper(
            query_frontend_image,
            mgmt_frontend_image,
            frontend_exporter_image,
            cache_size,
            qf_http_thread_pool_size,
            qf_http_timeout_request,
            qf_http_timeout_content,
            num_frontend_replicas,
        )
        self.connected = True
        self.logger.info("Clipper is running")

    def connect(self) -> None:
        """Attach to a running cluster."""
        self.cm.connect()
        self.connected = True
        self.logger.info("Successfully connected to Clipper cluster at %s", self.cm.get_query_addr())

    def stop_all(self, graceful: bool = True) -> None:
        """End the cluster with all its replicas and forget what was registered. Needs no connection.

        Without `graceful` it is killed, and queries that are being answered break off.
        """
        self.cm.stop_all(graceful=graceful)
        self.connected = False
        self.logger.info("Stopped all Clipper cluster and all model containers")

    def get_query_addr(self) -> str:
        """`host:port` that answers `/<app>/predict`."""
        self._check_connected()
        return self.cm.get_query_addr()

    def get_metric_addr(self) -> str:
        """`host:port` that serves `/metrics` to Prometheus."""
        self._check_connected()
        return self.cm.get_metric_addr()

    def get_clipper_logs(self, logging_dir: str = "clipper_logs/") -> list[str]:
        """Write the logs of the cluster and of each replica into files under `logging_dir`; returns their paths."""
        self._check_connected()
        return self.cm.get_logs(logging_dir)

    def inspect_instance(self) -> Answer:
        """The metrics of the cluster."""
        self._check_connected()
        return self.cm.inspect_instance()

    def test_predict_function(self, query: Mapping[str, Any], func: Callable[[Any], Any], input_type: str) -> Any:
        """Call `func` here as a replica would, after pickling it and back.

        `query` is the body of a predict request, `{"input": ...}` or `{"input_batch": [...]}`. Returns what `func`
        returns, or a sentence (no exception, as with Clipper) when the input is not of the type or `func` cannot be
        pickled. Connects as Clipper does, but does without when there is no cluster.
        """
        from clipper_sls.sdk import dry_run

        if not self.connected:
            with suppress(UnconnectedError):
                self.connect()
        return dry_run.call(query, func, input_type)
