"""Deploying the stack into MiniStack, as `sam deploy` does on AWS: code into a bucket, template into CloudFormation."""

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.adapters.ministack.template import code_archive, translated
from clipper_sls.errors import EngineStartError, InvalidSettingError

WAIT_S = 0.2
LIMIT_S = 120.0
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")


@dataclass(frozen=True, slots=True)
class StackSources:
    """What is deployed."""

    template: Path
    code: Sequence[Path]  # folders of Python packages: the handlers, and clipper_sls
    parameters: Mapping[str, str]
    addresses: Mapping[str, str]  # URLs by names of outputs, which say so in place of MiniStack's own


OF_GATEWAY = "OfGateway"
"""Ends the name of an output that says what the template itself says."""


class StackDeployment:
    """Blocks: run it in a thread."""

    def __init__(self, *, url: str, region: str, stack: str) -> None:
        self._url = url
        self._region = region
        self._stack = stack
        self._session = any_session(region)
        self._ended = threading.Event()

    def deploy(self, sources: StackSources) -> dict[str, str]:
        """The stack's outputs once it is complete. Raises EngineStartError with what failed, InvalidSettingError."""
        try:
            code = self._upload(code_archive(sources.code))
            template = translated(
                _read(sources.template), code=code, parameters=sources.parameters, region=self._region
            )
            template["Outputs"] = _told(template["Outputs"], sources.addresses)
            known = template.get("Parameters", {})
            given = [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in sources.parameters.items()
                if key in known
            ]
            formation: Any = self._client("cloudformation")
            formation.create_stack(
                StackName=self._stack,
                TemplateBody=json.dumps(template),
                Parameters=given,
                Capabilities=list(CAPABILITIES),
            )
            return self._completed(formation)
        except (ClientError, BotoCoreError) as error:
            raise EngineStartError(f"The stack {self._stack} could not be deployed into MiniStack: {error}") from error

    def give_up(self) -> None:
        """Let `deploy` return soon, from another thread."""
        self._ended.set()

    def _upload(self, archive: bytes) -> dict[str, str]:
        bucket, key = f"{self._stack}-code", f"{hashlib.sha256(archive).hexdigest()}.zip"
        storage: Any = self._client("s3")
        storage.create_bucket(Bucket=bucket, **_placed_in(self._region))
        storage.put_object(Bucket=bucket, Key=key, Body=archive)
        return {"Bucket": bucket, "Key": key}

    def _completed(self, formation: Any) -> dict[str, str]:
        for _ in range(int(LIMIT_S / WAIT_S)):
            (stack,) = formation.describe_stacks(StackName=self._stack)["Stacks"]
            status = stack["StackStatus"]
            if status == "CREATE_COMPLETE":
                return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
            if not status.endswith("_IN_PROGRESS") or self._ended.wait(WAIT_S):
                break
        else:
            status = f"not complete after {LIMIT_S:g} s"
        raise EngineStartError(
            f"The stack {self._stack} could not be deployed into MiniStack: {status}. {self._reasons(formation)}"
        )

    def _reasons(self, formation: Any) -> str:
        events = formation.describe_stack_events(StackName=self._stack)["StackEvents"]
        return "; ".join(
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        )

    def _client(self, service: Any) -> Any:
        patient = Config(retries={"max_attempts": 2}, connect_timeout=5, read_timeout=60)
        return self._session.client(service, endpoint_url=self._url, config=patient)


def _told(outputs: Mapping[str, Any], addresses: Mapping[str, str]) -> dict[str, Any]:
    """MiniStack's addresses are hosts that most machines do not resolve: they get other names, and ours theirs."""
    moved = {f"{name}{OF_GATEWAY}": outputs[name] for name in addresses}
    ours = {name: {**outputs[name], "Value": url} for name, url in addresses.items()}
    return {**outputs, **moved, **ours}


def _placed_in(region: str) -> dict[str, Any]:
    """What S3 wants to be told of a bucket anywhere but in its first region."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def _read(template: Path) -> str:
    try:
        return template.read_text()
    except OSError as error:
        raise InvalidSettingError(f"The template {template} cannot be read: {error.strerror}") from error
