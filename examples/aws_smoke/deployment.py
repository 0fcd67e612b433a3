"""The stack: made and deleted with sam, as its users do."""

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from clipper_sls.errors import ClipperError
from examples.aws_smoke.report import Finding
from examples.aws_smoke.site import Site

ROOT = Path(__file__).resolve().parents[2]
DELETED = "everything is deleted"


class SamError(Exception):
    """sam is not there, or failed; what it said went to the terminal."""


def deploy(site: Site) -> None:
    """Build and deploy. Raises SamError."""
    _sam("build")
    _sam("deploy", "--stack-name", site.stack, "--no-confirm-changeset", "--resolve-s3", *_region(site))


def delete(site: Site) -> list[Finding]:
    """Everything, the table that the template retains among it, and what is left then."""
    with suppress(ClipperError):  # of a stack that was not completed
        site.connection.stop_all()
    for emptied in (_empty_repository, _empty_bucket):
        with suppress(ClientError):
            emptied(site)
    try:
        _sam("delete", "--stack-name", site.stack, "--no-prompts", *_region(site))
    except SamError as error:
        return [Finding.of(DELETED, str(error), held=False)]
    _delete_retained(site)
    left = leftovers(site)
    return [Finding.of(DELETED, ", ".join(left) or "nothing of the stack is left", held=not left)]


def leftovers(site: Site) -> list[str]:
    """Names of what begins with the stack's, of the kinds that the stack and its models have."""
    functions = site.client("lambda").get_paginator("list_functions").paginate()
    tables = site.client("dynamodb").get_paginator("list_tables").paginate()
    queues = site.client("sqs").list_queues(QueueNamePrefix=site.stack).get("QueueUrls", [])
    logs = site.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{site.stack}-")["logGroups"]
    found = [one["FunctionName"] for page in functions for one in page["Functions"]]
    found += [name for page in tables for name in page["TableNames"]]
    ours = [name for name in found if name.startswith(f"{site.stack}-")]
    return [*ours, *queues, *(log["logGroupName"] for log in logs)]


def _empty_repository(site: Site) -> None:
    """CloudFormation deletes no repository with images in it, nor a bucket with objects."""
    repository: Any = site.client("ecr")
    name = site.names.image_repository
    pages = repository.get_paginator("list_images").paginate(repositoryName=name)
    images = [image for page in pages for image in page["imageIds"]]
    for start in range(0, len(images), 100):
        repository.batch_delete_image(repositoryName=name, imageIds=images[start : start + 100])


def _empty_bucket(site: Site) -> None:
    storage: Any = site.client("s3")
    account = site.client("sts").get_caller_identity()["Account"]
    bucket = site.names.payload_bucket(account, site.session.region_name)
    for page in storage.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        objects = [{"Key": one["Key"]} for one in page.get("Contents", [])]
        if objects:
            storage.delete_objects(Bucket=bucket, Delete={"Objects": objects})


def _delete_retained(site: Site) -> None:
    try:
        site.client("dynamodb").delete_table(TableName=site.names.registry_table)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
    logs: Any = site.client("logs")
    for log in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{site.stack}-")["logGroups"]:
        logs.delete_log_group(logGroupName=log["logGroupName"])


def _region(site: Site) -> list[str]:
    return ["--region", site.region] if site.region else []


def _sam(*arguments: str) -> None:
    command = shutil.which("sam")
    if command is None:
        raise SamError("sam is not installed: https://docs.aws.amazon.com/serverless-application-model says how")
    done = subprocess.run([command, *arguments], cwd=ROOT, check=False)
    if done.returncode != 0:
        raise SamError(f"`sam {arguments[0]}` ended with {done.returncode}; what it said stands above")
