"""The management REST API as typed calls, one method for one endpoint; no rule of its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict, cast

from clipper_sls.domain.query import PackedRow
from clipper_sls.domain.records import ADAPTIVE_BATCH_SIZE, CONTAINERLESS_IMAGE
from clipper_sls.domain.serving_options import ServingOptions
from clipper_sls.errors import RequestFailedError
from clipper_sls.sdk.http_client import QUICK_TIMEOUT_S, HttpClient

ALL_LOG_LINES = 100_000
"""The most that an engine gives of one log."""

Answer = dict[str, Any]
"""A JSON object that goes to the user as it came."""


class EngineStatus(TypedDict):
    """Answer of /admin/get_status, as far as the SDK relies on it."""

    version: str
    pid: int
    cluster_name: str
    state_dir: str
    query: str
    management: str
    started_at: float  # seconds since 1970, UTC
    frontends: NotRequired[list[Answer]]  # of an engine that has any


@dataclass(frozen=True, slots=True)
class ReplicaBounds:
    """How many replicas are asked for: a number, or a range, which wins. The engine fills in a bound that is None."""

    num_replicas: int | None = None
    min_replicas: int | None = None
    max_replicas: int | None = None

    def fields(self) -> dict[str, int]:
        bounds = _without_none({"min_replicas": self.min_replicas, "max_replicas": self.max_replicas})
        return bounds or _without_none({"num_replicas": self.num_replicas})


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What is registered of a model version."""

    name: str
    version: str
    input_type: str
    image: str = CONTAINERLESS_IMAGE
    labels: Sequence[str] = ()
    batch_size: int = ADAPTIVE_BATCH_SIZE
    replicas: ReplicaBounds = ReplicaBounds()
    serving: ServingOptions = field(default_factory=ServingOptions)
    warm_up: Sequence[PackedRow] = ()
    """Not registered: they go into the bundle, where there is one to put them into."""
    url: str | None = None


DIRECT_MODE = "direct"


@dataclass(frozen=True, slots=True)
class ManagementClient:
    """Every call may raise any ClipperError: the engine's, RequestFailedError or UnconnectedError."""

    http: HttpClient

    def add_app(
        self, name: str, input_type: str, default_output: str, slo_micros: int, mode: str = DIRECT_MODE
    ) -> None:
        body = {
            "name": name,
            "input_type": input_type,
            "default_output": default_output,
            "latency_slo_micros": slo_micros,
            **({} if mode == DIRECT_MODE else {"mode": mode}),  # which an older engine does not know
        }
        self._change("add_app", body)

    def delete_app(self, name: str) -> None:
        self._change("delete_app", {"name": name})

    def add_model_links(self, app_name: str, model_names: Sequence[str]) -> None:
        self._change("add_model_links", {"app_name": app_name, "model_names": list(model_names)})

    def delete_model_links(self, app_name: str, model_names: Sequence[str]) -> None:
        self._change("delete_model_links", {"app_name": app_name, "model_names": list(model_names)})

    def upload_bundle(self, archive: Iterable[bytes]) -> str:
        """Digest of the bundle that was sent as a tar archive."""
        answer = self.http.upload("/admin/upload_bundle", archive, "application/x-tar").json()
        return str(answer["bundle_digest"])

    def add_model(self, new: NewVersion) -> None:
        """Returns when the replicas are ready and the version is current."""
        body = {
            "model_name": new.name,
            "model_version": new.version,
            "labels": list(new.labels),
            "input_type": new.input_type,
            "container_name": new.image,
            "model_data_path": "DEPRECATED",
            "batch_size": new.batch_size,
            **new.replicas.fields(),
            **new.serving,
            **({} if new.url is None else {"url": new.url}),
        }
        self._change("add_model", body)

    def delete_versioned_model(self, name: str, version: str) -> None:
        self._change("delete_versioned_model", {"model_name": name, "model_version": version})

    def set_model_version(self, name: str, version: str) -> None:
        self._change("set_model_version", {"model_name": name, "model_version": version})

    def rollback_model(self, name: str) -> Answer:
        """`from_version` answered until now, `to_version` does from now on."""
        return cast("Answer", self._ask("rollback_model", {"model_name": name}, None))

    def set_traffic(self, name: str, version: str, percent: float) -> Answer:
        """Answers what `get_traffic` does, from now on."""
        body = {"model_name": name, "model_version": version, "percent": percent}
        return cast("Answer", self._ask("set_traffic", body, None))

    def get_traffic(self, name: str) -> Answer:
        """`traffic`: versions and their percentages, the current one first."""
        return cast("Answer", self._ask("get_traffic", {"model_name": name}))

    def set_num_replicas(self, name: str, version: str | None, replicas: ReplicaBounds) -> None:
        """Of the current version, unless another one is named."""
        body = {"model_name": name, "model_version": version, **replicas.fields()}
        self._change("set_num_replicas", _without_none(body))

    def get_all_applications(self, verbose: bool) -> list[Any]:
        return cast("list[Any]", self._ask("get_all_applications", {"verbose": verbose}))

    def get_application(self, name: str) -> Answer:
        return cast("Answer", self._ask("get_application", {"name": name}))

    def get_linked_models(self, app_name: str) -> list[str]:
        return cast("list[str]", self._ask("get_linked_models", {"app_name": app_name}))

    def get_all_models(self, verbose: bool) -> list[Any]:
        return cast("list[Any]", self._ask("get_all_models", {"verbose": verbose}))

    def get_model(self, name: str, version: str) -> Answer:
        return cast("Answer", self._ask("get_model", {"model_name": name, "model_version": version}))

    def get_all_containers(self, verbose: bool) -> list[Any]:
        return cast("list[Any]", self._ask("get_all_containers", {"verbose": verbose}))

    def get_container(self, name: str, version: str, replica_id: int) -> Answer:
        body = {"model_name": name, "model_version": version, "replica_id": replica_id}
        return cast("Answer", self._ask("get_container", body))

    def get_replicas(self, name: str | None = None, version: str | None = None) -> list[Answer]:
        """One object for each version that has, or may have, replicas."""
        body = {"model_name": name, "model_version": version}
        return cast("list[Answer]", self._ask("get_replicas", _without_none(body)))

    def get_history(self, name: str) -> list[Answer]:
        """Which version answered since when, oldest first."""
        return cast("list[Answer]", self._ask("get_model_history", {"model_name": name}))

    def get_logs(
        self,
        name: str | None = None,
        version: str | None = None,
        replica_id: int | None = None,
        *,
        tail_lines: int = ALL_LOG_LINES,
    ) -> list[Answer]:
        body = {"model_name": name, "model_version": version, "replica_id": replica_id, "tail_lines": tail_lines}
        return cast("list[Answer]", self._ask("get_logs", _without_none(body)))

    def get_dead_jobs(self, limit: int) -> list[Answer]:
        """Messages of jobs that were given up, the oldest first where that can be told."""
        return cast("list[Answer]", self._ask("get_dead_jobs", {"limit": limit}))

    def redrive_dead_jobs(self) -> int:
        """How many are tried again."""
        return int(self._ask("redrive_dead_jobs", {})["redriven"])

    def purge_dead_jobs(self) -> int:
        """How many are forgotten."""
        return int(self._ask("purge_dead_jobs", {})["purged"])

    def get_status(self) -> EngineStatus:
        return cast("EngineStatus", _json(self.http.get("/admin/get_status")))

    def shutdown(self) -> None:
        """Returns when the engine has begun to drain."""
        self.http.post("/admin/shutdown", {}, QUICK_TIMEOUT_S)

    def _change(self, endpoint: str, body: Mapping[str, Any]) -> None:
        self.http.post(f"/admin/{endpoint}", body)

    def _ask(self, endpoint: str, body: Mapping[str, Any], timeout_s: float | None = QUICK_TIMEOUT_S) -> Any:
        return _json(self.http.post(f"/admin/{endpoint}", body, timeout_s))


def _json(response: Any) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise RequestFailedError(
            f"{response.url} answered what is not JSON: {response.text[:200]!r}. Is it an engine's management port?"
        ) from error


def _without_none(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value is not None}
