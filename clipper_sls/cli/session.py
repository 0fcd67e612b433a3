"""From a command's options to the cluster that they mean."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clipper_sls.sdk import ClipperConnection, LocalContainerManager


def container_manager(
    cluster: str | None,
    state_dir: Path | None,
    *,
    keep_state: bool = False,
    query_port: int | None = None,
    management_port: int | None = None,
    isolation: str | None = None,
) -> "LocalContainerManager":
    """The cluster, running or not. Raises InvalidSettingError."""
    from clipper_sls.config.settings import Settings
    from clipper_sls.sdk import LocalContainerManager

    settings = Settings.load(
        cluster_name=cluster, state_dir=state_dir, query_port=query_port, management_port=management_port
    )
    return LocalContainerManager(
        settings.cluster_name,
        settings.query_port,
        settings.management_port,
        state_dir=settings.state_dir,
        keep_state=keep_state,
        isolation=isolation,
    )


def connected(cluster: str | None, state_dir: Path | None) -> "ClipperConnection":
    """A connection to the running cluster. Raises UnconnectedError when it does not run."""
    from clipper_sls.sdk import ClipperConnection

    connection = ClipperConnection(container_manager(cluster, state_dir))
    connection.connect()
    return connection
