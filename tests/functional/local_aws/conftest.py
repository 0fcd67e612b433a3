"""The data plane before a real MiniStack: functions are made over AWS's API, and run as real processes."""

import asyncio
import io
import shutil
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from clipper_sls.adapters.ministack.http import MiniStackHttp
from clipper_sls.bootstrap.local_lambda import FunctionPlaces, lambda_edge
from clipper_sls.config import Settings
from clipper_sls.http.serve import HttpServers, listen, url_of
from clipper_sls.packaging.bundling import bundle_closure
from clipper_sls.testing.local_aws import LocalAwsUnderTest, local_aws
from clipper_sls.testing.ministack import ACCOUNT, REGION, MiniStackUnderTest

_numbers = count(1)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"


def aws(service: Any, url: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    quick = Config(retries={"max_attempts": 0}, read_timeout=60)
    return boto3.Session(**keys, region_name=REGION).client(service, endpoint_url=url, config=quick)


def archive(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return packed.getvalue()


@dataclass
class Plane:
    """The endpoint under test; calls block, so they are made in threads."""

    url: str
    behind: str
    image_folder: Path
    client: Any

    async def call(self, operation: str, **arguments: Any) -> Any:
        return await asyncio.to_thread(getattr(self.client, operation), **arguments)

    async def zip_function(self, source: str, *, publish: bool = False, **more: Any) -> str:
        """The name of a new function with the handler `app.handler`."""
        name = f"zip-{next(_numbers)}"
        arguments = {"Runtime": "python3.13", "Handler": "app.handler", "Role": ROLE, "Timeout": 10, **more}
        code = {"ZipFile": archive({"app.py": source})}
        await self.call("create_function", FunctionName=name, Code=code, Publish=publish, **arguments)
        return name

    async def model_function(self, function: Callable[[Any], Any], **more: Any) -> str:
        """The name of a new function that is a model's image."""
        name = f"model-{next(_numbers)}"
        uri = await self.image(function, name)
        arguments = {"PackageType": "Image", "Role": ROLE, "Timeout": 30, "Publish": True, **more}
        await self.call("create_function", FunctionName=name, Code={"ImageUri": uri}, **arguments)
        return name

    async def image(self, function: Callable[[Any], Any], name: str) -> str:
        """The URI of an image for which a bundle stands."""

        def bundle() -> str:
            draft = self.image_folder / f"draft-{next(_numbers)}"
            manifest = bundle_closure(function, name=name, version="1", input_type="json", destination=draft)
            shutil.move(draft, self.image_folder / manifest.digest)
            return manifest.digest

        digest = await asyncio.to_thread(bundle)
        return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/demo/models@sha256:{digest}"


@pytest.fixture
async def plane(shared_ministack: MiniStackUnderTest, tmp_path: Path) -> AsyncIterator[Plane]:
    image_folder = tmp_path / "images"
    image_folder.mkdir()
    settings = Settings.load(allow_unsigned=True, idle_limit_s=2.0, max_replicas=8)
    places = FunctionPlaces(tmp_path / "functions", image_folder, REGION, {"AWS_ENDPOINT_URL": shared_ministack.url})
    listener = listen("127.0.0.1", 0, may_move=False)
    url = url_of(listener)
    async with AsyncExitStack() as opened:
        server = MiniStackHttp(shared_ministack.url, REGION)
        opened.push_async_callback(server.close)
        app, _ = await lambda_edge(settings, places, server, opened)
        servers = HttpServers([(app, listener)], drain_timeout_s=1.0)
        servers.start()
        opened.push_async_callback(servers.close)
        yield Plane(url, shared_ministack.url, image_folder, aws("lambda", url))


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAwsUnderTest]:
    """`clipper-sls dev --aws` with the stack `demo`; one for all, since it takes many seconds to start."""
    with local_aws(tmp_path_factory.mktemp("aws"), ["--stack", "demo", "--parameter", "JobsMaxReceives=3"]) as server:
        yield server
