"""Attaching to a running engine: by the state directory of its cluster, or by its ports."""

from dataclasses import dataclass
from pathlib import Path

from clipper_sls.errors import RequestFailedError, UnconnectedError
from clipper_sls.sdk.container_manager import DEFAULT_CLUSTER_NAME
from clipper_sls.sdk.engine_process import RunningEngine, find_engine
from clipper_sls.sdk.http_client import HttpClient
from clipper_sls.sdk.management_client import EngineStatus, ManagementClient

TOKEN_FILE = "management-token"  # noqa: S105 - the name of the file, not a token


@dataclass(frozen=True, slots=True)
class Attachment:
    """An engine to talk to. `process` is None when it is not ours to see: in a container, on another machine."""

    query: str  # "http://127.0.0.1:1337"
    management: str
    state_dir: Path
    running: RunningEngine | None

    @classmethod
    def to(cls, running: RunningEngine, state_dir: Path) -> "Attachment":
        return cls(running.query, running.management, state_dir, running)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where an engine that was started by hand is looked for on this machine."""

    management: int
    are_usual: bool  # nobody chose them


def attach(cluster_name: str, state_dir: Path, ports: Ports, token: str | None) -> Attachment:
    """The engine of `state_dir`, else the one at `ports`. Raises UnconnectedError when neither is running."""
    running = find_engine(state_dir)
    if running is not None:
        return Attachment.to(running, state_dir)
    management = f"http://127.0.0.1:{ports.management}"
    try:
        status = ManagementClient(HttpClient(management, token)).get_status()
    except (UnconnectedError, RequestFailedError) as error:
        raise UnconnectedError(
            f"No engine of cluster '{cluster_name}' is running: none on {state_dir}, and none at {management}. "
            f"Start one with ClipperConnection.start_clipper or `clipper-sls dev`"
        ) from error
    _check_name(cluster_name, status, ports)
    return _by_status(status, management)


def attach_elsewhere(management: str, query: str | None, token: str | None) -> Attachment:
    """The engine at a URL, of this machine or another. Raises UnconnectedError when nothing answers there."""
    status = ManagementClient(HttpClient(management, token)).get_status()
    return Attachment(query or status["query"], management, Path(status["state_dir"]), running=None)


def _check_name(cluster_name: str, status: EngineStatus, ports: Ports) -> None:
    """Somebody who names a cluster and no port must not end up in another cluster, which has the usual ports."""
    if ports.are_usual and cluster_name not in (DEFAULT_CLUSTER_NAME, status["cluster_name"]):
        raise UnconnectedError(
            f"No engine of cluster '{cluster_name}' is running; the one at port {ports.management} is that of cluster "
            f"'{status['cluster_name']}'. Start yours with ClipperConnection.start_clipper"
        )


def _by_status(status: EngineStatus, management: str) -> Attachment:
    state_dir = Path(status["state_dir"])
    running = find_engine(state_dir)
    is_same = running is not None and running.management == status["management"]
    return Attachment(status["query"], management, state_dir, running if is_same else None)


def token_in(state_dir: Path) -> str | None:
    """The bearer token that an engine keeps in its state directory; None when it asks for none."""
    path = state_dir / TOKEN_FILE
    return path.read_text().strip() if path.exists() else None
