"""AWS on this machine, put together: MiniStack, the data plane of Lambda before it, and the stack deployed into both.

What MiniStack holds is in its memory: tables, queues and functions begin anew each time. Order matters as in
`bootstrap.engine`: the state directory is locked and ports are bound before anything is started; at the end requests
are answered before functions stop, and MiniStack stops last but for the lock.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from clipper_sls.adapters.engine.environments import host_python_path
from clipper_sls.adapters.local.state_directory import StateDirectory, write_atomically
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.ministack.http import MiniStackHttp
from clipper_sls.adapters.ministack.server import MiniStackOptions, MiniStackProcess
from clipper_sls.adapters.ministack.stack import OF_GATEWAY, StackDeployment, StackSources
from clipper_sls.bootstrap.local_lambda import FunctionPlaces, lambda_edge
from clipper_sls.config import Settings
from clipper_sls.domain.functions.hosted import FunctionReference
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.errors import EngineStartError
from clipper_sls.http.aws_edge.app import INVOCATIONS_PATH
from clipper_sls.http.aws_edge.handing_on import handing_on_app
from clipper_sls.http.serve import HttpServers, listen, url_of

QUERY_URL, MANAGEMENT_URL = "QueryUrl", "ManagementUrl"  # outputs of the template
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
PARAMETERS = {"PredictAuthorization": "NONE", "Monitoring": "off"}
"""Where the stack on this machine differs from the template's defaults: predict URLs are for loopback only, and
nothing here raises alarms."""


class LocalAwsInfo(msgspec.Struct, frozen=True):
    """Where everything is. `environment` is what a process needs to take this for AWS."""

    stack: str
    query: str
    management: str
    endpoint: str
    pid: int
    state_dir: str
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class StackChoice:
    """What is deployed: the template with its folder `handlers`, and values for its parameters."""

    template: Path
    parameters: Mapping[str, str]


class LocalAws:
    info: LocalAwsInfo

    def __init__(self, settings: Settings, choice: StackChoice, *, region: str, move_ports: bool) -> None:
        self._settings = settings
        self._choice = choice
        self._region = region
        self._move_ports = move_ports
        self._names = StackNames(settings.stack_name)
        path = settings.state_dir or settings.state_root / f"aws-{settings.stack_name}"
        self._state = StateDirectory(path.expanduser().resolve(), settings.stack_name)
        self._opened = AsyncExitStack()
        self._ministack: MiniStackProcess | None = None

    async def open(self) -> None:
        """Start everything; returns when the stack is complete.

        Raises EngineRunningError, PortInUseError, InvalidSettingError or EngineStartError; call `close` all the same.
        """
        settings, state, opened = self._settings, self._state, self._opened
        state.lock()
        opened.callback(state.release)
        state.remove_ready_file()
        query, management, edge = map(self._listen, (settings.query_port, settings.management_port, settings.aws_port))
        image_folder = await asyncio.to_thread(self._image_folder)
        ministack = await self._start_ministack(url_of(edge) + INVOCATIONS_PATH)
        behind = MiniStackHttp(ministack.url, self._region)
        opened.push_async_callback(behind.close)
        variables = {**CREDENTIALS, **_endpoints(ministack.url, url_of(edge)), "AWS_EC2_METADATA_DISABLED": "true"}
        places = FunctionPlaces(state.path, image_folder, self._region, variables)
        app, plane = await lambda_edge(settings, places, behind, opened)
        self._serve(HttpServers([(app, edge)], drain_timeout_s=settings.drain_timeout_s))
        gateways = {QUERY_URL: query, MANAGEMENT_URL: management}
        outputs = await self._deployed(ministack.url, {name: url_of(one) for name, one in gateways.items()})
        self._serve(
            HttpServers(
                [
                    (handing_on_app(behind, prefix=_prefix(outputs[name + OF_GATEWAY])), listener)
                    for name, listener in gateways.items()
                ],
                drain_timeout_s=settings.drain_timeout_s,
            )
        )
        for function in (self._names.query_function, self._names.management_function):
            await plane.keep_ready(FunctionReference(function, None), 1)  # nobody who develops likes cold starts
        self.info = self._told(url_of(query), url_of(management), url_of(edge), image_folder)
        opened.callback(state.remove_ready_file)
        self.announce(state.ready_file)

    async def close(self) -> None:
        """Answer what is being asked, stop the functions, stop MiniStack; what it held is gone."""
        await self._opened.aclose()

    async def failed(self) -> None:
        """Return when MiniStack has ended, which it does not by itself; only after `open`."""
        assert self._ministack is not None
        await self._ministack.ended()

    def announce(self, ready_file: Path) -> None:
        """Write the ready file. Raises StoreError."""
        write_atomically(ready_file, msgspec.json.encode(self.info).decode())

    def _listen(self, port: int) -> socket.socket:
        listener = listen("127.0.0.1", port, may_move=self._move_ports)
        self._opened.callback(listener.close)
        return listener

    def _serve(self, servers: HttpServers) -> None:
        servers.start()
        self._opened.push_async_callback(servers.close)

    async def _start_ministack(self, invocations_url: str) -> MiniStackProcess:
        names = self._names
        functions = (names.query_function, names.management_function, names.jobs_function, names.warm_up_function)
        options = MiniStackOptions(
            port=_free_port(),
            region=self._region,
            folder=self._state.path / "ministack",
            handed_on=dict.fromkeys(functions, invocations_url),
            python_path=host_python_path(),
        )
        ministack = self._ministack = MiniStackProcess(options, SystemClock())
        self._opened.push_async_callback(ministack.stop)
        await ministack.start()
        return ministack

    async def _deployed(self, url: str, addresses: Mapping[str, str]) -> dict[str, str]:
        """The outputs of the stack, in which `addresses` are those of its APIs."""
        folder = self._choice.template.parent
        sources = StackSources(
            self._choice.template,
            (folder / "handlers", Path(__file__).parent.parent),
            {**PARAMETERS, **self._choice.parameters},
            addresses,
        )
        deployment = StackDeployment(url=url, region=self._region, stack=self._settings.stack_name)
        try:
            return await asyncio.to_thread(deployment.deploy, sources)
        except asyncio.CancelledError:
            deployment.give_up()
            raise

    def _image_folder(self) -> Path:
        """Where bundles stand for images. What is left of earlier runs is removed: no function is there to need it."""
        ours = self._state.path / "images"
        for left in (ours, self._state.path / "code"):
            shutil.rmtree(left, ignore_errors=True)
        folder = self._settings.image_folder or ours
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _told(self, query: str, management: str, edge: str, image_folder: Path) -> LocalAwsInfo:
        environment = {
            "AWS_ENDPOINT_URL": edge,
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,  # that boto3 reads
            **CREDENTIALS,
            "CLIPPER_SLS_STACK_NAME": self._settings.stack_name,
            "CLIPPER_SLS_IMAGE_FOLDER": str(image_folder),
        }
        path = str(self._state.path)
        return LocalAwsInfo(self._settings.stack_name, query, management, edge, os.getpid(), path, environment)


def _endpoints(ministack: str, edge: str) -> dict[str, str]:
    """What functions find: all of AWS straight, and Lambda where its data plane is."""
    return {"AWS_ENDPOINT_URL": ministack, "AWS_ENDPOINT_URL_LAMBDA": edge}


def _prefix(url: str) -> str:
    """Of paths of the API that is at `http://57934760.execute-api.localhost:4566`, a name that few machines resolve."""
    api_id, separator, _ = (urlsplit(url).hostname or "").partition(".")
    if not separator:
        raise EngineStartError(f"The stack's output {url!r} is not the address of an API")
    return f"/_aws/execute-api/{api_id}/$default"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
