"""Records as JSON, for whatever store keeps them. Pure."""

import json
from dataclasses import asdict
from typing import Any, assert_never

from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.functions.published import PublishedFunction
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Canary, Current, Link, Mode, ModelVersion, Record, Scaling, Switch
from clipper_sls.domain.serving import Batching, Serving


def record_key(record: Record) -> tuple[str, str]:
    """Kind and key; a store holds one record of a kind for each key."""
    match record:
        case Application():
            return "application", record.name
        case ModelVersion():
            return "version", str(record.id)
        case Link():
            return "link", f"{record.application}:{record.model}"
        case Current():
            return "current", record.model
        case _:
            assert_never(record)


def record_to_json(record: Record) -> str:
    return json.dumps(_fields(record), separators=(",", ":"))


def record_from_json(kind: str, text: str) -> Record:
    """The inverse of `record_to_json`. Raises KeyError, ValueError or a ClipperError when `text` is no such record."""
    fields = json.loads(text)
    match kind:
        case "application":
            return Application(
                AppName(fields["name"]),
                InputType(fields["input_type"]),
                fields["default_output"],
                fields["slo_micros"],
                Mode(fields.get("mode", Mode.DIRECT)),  # which an older release did not write
            )
        case "version":
            return _version(fields)
        case "link":
            return Link(AppName(fields["application"]), ModelName(fields["model"]))
        case "current":
            history = tuple(Switch(Version(version), at) for version, at in fields["history"])
            return Current(ModelName(fields["model"]), history, _canary(fields.get("canary")))
        case _:
            raise ValueError(f"unknown kind of record {kind!r}")


def _fields(record: Record) -> dict[str, Any]:
    match record:
        case Application(name, input_type, default_output, slo_micros, mode):
            return {
                "name": name,
                "input_type": input_type,
                "default_output": default_output,
                "slo_micros": slo_micros,
                "mode": mode,
            }
        case ModelVersion():
            return _version_fields(record)
        case Link(application, model):
            return {"application": application, "model": model}
        case Current(model, history, canary):
            return {
                "model": model,
                "history": [[switch.version, switch.at] for switch in history],
                "canary": canary and [canary.version, canary.percent],
            }
        case _:
            assert_never(record)


def _canary(fields: list[Any] | None) -> Canary | None:
    """An older release wrote none."""
    return Canary(Version(fields[0]), fields[1]) if fields else None


def _version_fields(version: ModelVersion) -> dict[str, Any]:
    return {
        "name": version.id.name,
        "version": version.id.version,
        "input_type": version.input_type,
        "container_name": version.container_name,
        "model_data_path": version.model_data_path,
        "labels": version.labels,
        "batch_size": version.batch_size,
        "bundle_digest": version.bundle_digest,
        "url": version.endpoint and version.endpoint.url,
        "function": version.function and asdict(version.function),
        "min_replicas": version.scaling.minimum,
        "max_replicas": version.scaling.maximum,
        "serving": _serving_fields(version.serving),
        "registered_at": version.registered_at,
    }


def _version(fields: dict[str, Any]) -> ModelVersion:
    return ModelVersion(
        id=ModelId.of(fields["name"], fields["version"]),
        input_type=InputType(fields["input_type"]),
        container_name=fields["container_name"],
        model_data_path=fields["model_data_path"],
        labels=tuple(fields["labels"]),
        batch_size=fields["batch_size"],
        bundle_digest=fields["bundle_digest"],
        endpoint=Endpoint.parse(fields["url"]) if fields.get("url") else None,
        function=PublishedFunction(**fields["function"]) if fields.get("function") else None,
        scaling=Scaling(fields["min_replicas"], fields["max_replicas"]),
        serving=_serving(fields.get("serving", {})),
        registered_at=fields["registered_at"],
    )


def _serving_fields(serving: Serving) -> dict[str, Any]:
    return {
        "batching": serving.batching,
        "batch_wait_s": serving.batch_wait_s,
        "is_cached": serving.is_cached,
        "cache_ttl_s": serving.cache_ttl_s,
        "is_idempotent": serving.is_idempotent,
        "hedging": serving.hedging,
    }


def _serving(fields: dict[str, Any]) -> Serving:
    """What an older engine did not write is as by default."""
    return Serving(**{**fields, "batching": Batching(fields.get("batching", Batching.AIMD))})
