"""The management API of a stack on AWS, whose logs are not in files."""

from dataclasses import dataclass

from clipper_sls.bootstrap.cloud import Cloud
from clipper_sls.domain.identifiers import ModelName
from clipper_sls.domain.records import MAX_REPLICAS
from clipper_sls.sdk.management_client import ALL_LOG_LINES, Answer, ManagementClient, ReplicaBounds


@dataclass(frozen=True, slots=True)
class AwsManagement(ManagementClient):
    """As it is everywhere, but for logs, which CloudWatch has."""

    cloud: Cloud

    def set_num_replicas(self, name: str, version: str | None, replicas: ReplicaBounds) -> None:
        """A number is kept ready, and is no limit: Lambda starts more when more is asked for."""
        if replicas.num_replicas is not None and replicas == ReplicaBounds(replicas.num_replicas):
            replicas = ReplicaBounds(min_replicas=replicas.num_replicas, max_replicas=MAX_REPLICAS)
        ManagementClient.set_num_replicas(self, name, version, replicas)

    def get_logs(
        self,
        name: str | None = None,
        version: str | None = None,
        replica_id: int | None = None,
        *,
        tail_lines: int = ALL_LOG_LINES,
    ) -> list[Answer]:
        """Of the execution environments that printed last; each counts as a replica, numbered from 1."""
        models = [one for one in self.get_all_models(verbose=True) if one.get("function")]
        found: list[Answer] = []
        for model_name in sorted({one["model_name"] for one in models if name in (None, one["model_name"])}):
            numbers = {
                one["function"]["number"]: one["model_version"] for one in models if one["model_name"] == model_name
            }
            for replica, log in enumerate(self.cloud.logs(ModelName(model_name), tail_lines), 1):
                found.append(
                    {
                        "model_name": model_name,
                        "model_version": numbers.get(log.number, log.number),
                        "replica_id": replica,
                        "path": log.stream,
                        "text": log.text,
                    }
                )
        return [
            log for log in found if version in (None, log["model_version"]) and replica_id in (None, log["replica_id"])
        ]
