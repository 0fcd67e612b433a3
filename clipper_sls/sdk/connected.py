"""What every group of methods of `ClipperConnection` stands on: the container manager, and whether it is connected."""

from clipper_sls.sdk.cluster_logger import ClusterAdapter, cluster_logger
from clipper_sls.sdk.container_manager import ContainerManager
from clipper_sls.sdk.exceptions import UnconnectedException
from clipper_sls.sdk.management_client import ManagementClient


class Connected:
    """`connected`, `cm` and `logger` are public because Clipper's are."""

    def __init__(self, container_manager: ContainerManager) -> None:
        self.connected = False
        self.cm = container_manager
        self.logger: ClusterAdapter = cluster_logger("clipper_sls.sdk", container_manager.cluster_identifier)

    def _check_connected(self) -> None:
        if not self.connected:
            raise UnconnectedException

    @property
    def _management(self) -> ManagementClient:
        """The management API; UnconnectedException without a connection."""
        self._check_connected()
        return self.cm.management
