"""The HTTP server of a model's image, put together: `python -m clipper_sls.bootstrap.model_server`.

It starts the model as the engine starts a replica: a process of its own with the packages of the model, which asks for
work over the Lambda Runtime API. So the model runs in the image as it runs on AWS Lambda, the server's packages are
none of its business, and the server goes on when the model dies.
"""

import asyncio
import logging
import os
import random
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from clipper_sls.adapters.engine import EngineLimits, FunctionPools
from clipper_sls.adapters.engine.image_python import ImageBundle, ImagePython, container_memory_mib
from clipper_sls.adapters.engine.process_launcher import ProcessLaunchers
from clipper_sls.adapters.engine.replica_logs import OutputLogs
from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.adapters.local.metrics import LocalMetrics
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.bootstrap.garbage import spare_the_garbage_collector
from clipper_sls.bootstrap.query_ids import query_ids
from clipper_sls.config.model_server import ModelServerSettings
from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.changes import Put
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Scaling, Switch
from clipper_sls.domain.replicas import Health
from clipper_sls.domain.serving import Serving
from clipper_sls.errors import ClipperError, ModelStartError
from clipper_sls.http.model_app import create_model_app
from clipper_sls.http.predict import InputLimits
from clipper_sls.http.serve import HttpServers, listen
from clipper_sls.runtime.standard_streams import survive_full_disk
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.service.services import HostingServices

_log = logging.getLogger(__name__)

WORK_FOLDER = Path("/tmp")  # noqa: S108 - of a container, where nothing else can be written


class ModelServer:
    """Serves one bundle, with what the environment `variables` of the container say."""

    def __init__(self, settings: ModelServerSettings, variables: Mapping[str, str]) -> None:
        self._settings = settings
        self._variables = variables
        self._clock = SystemClock()
        self._metrics = LocalMetrics(clock=self._clock, chance=random.Random())  # noqa: S311 - a sample of latencies
        self._bundle = ImageBundle(Path(_known(variables, "CLIPPER_BUNDLE_PATH")))
        self._pools = self._function_pools()
        self._opened = AsyncExitStack()
        self._is_settled = False

    async def open(self) -> None:
        """Listen, then load the model; returns when it is ready. Raises ClipperError; call `close` all the same."""
        settings = self._settings
        version = self._version(self._bundle.read())
        listener = listen(settings.host, settings.port, may_move=False)
        self._opened.callback(listener.close)
        self._opened.push_async_callback(self._pools.close)
        self._metrics.show(self._pools.pools)
        services = await self._services(version)
        app = create_model_app(
            services,
            version,
            limits=InputLimits(settings.max_body_bytes, settings.max_batch_rows),
            metrics=self._metrics,
            is_ready=self._readiness,
            slo_s=settings.slo_ms / 1000,
            function_timeout_s=settings.function_timeout_s,
        )
        servers = HttpServers([(app, listener)], drain_timeout_s=settings.drain_timeout_s)
        servers.start()
        self._opened.push_async_callback(servers.close)
        await self._pools.start(version)
        self._is_settled = True
        _log.info("Model %s is ready on port %d", version.id, listener.getsockname()[1])

    async def close(self) -> None:
        """Answer what is being asked, then end the model."""
        self._is_settled = False
        await self._opened.aclose()

    def _function_pools(self) -> FunctionPools:
        settings, memory_mib = self._settings, self._settings.memory_mib or container_memory_mib()
        limits = EngineLimits(
            start_timeout_s=settings.start_timeout_s,
            function_timeout_s=settings.function_timeout_s,
            drain_timeout_s=0.0,  # nobody waits for an answer any more when the HTTP server has ended
            max_replicas=settings.replicas,
            replica_memory_mib=memory_mib,
            max_queued_rows=settings.max_queued_rows,
        )
        launchers = ProcessLaunchers(
            bundles=self._bundle,
            interpreters=ImagePython(self._variables.get("CLIPPER_MODEL_PYTHONPATH", ""), self._variables),
            work_folder=WORK_FOLDER,
            memory_mib=memory_mib,
        )
        return FunctionPools(
            launchers=launchers, logs=OutputLogs(), clock=self._clock, metrics=self._metrics, limits=limits
        )

    def _version(self, manifest: Manifest) -> ModelVersion:
        settings = self._settings
        return ModelVersion(
            ModelId.of(manifest.name, manifest.version),
            InputType.parse(manifest.input_type),
            batch_size=settings.batch_size,
            bundle_digest=_known(self._variables, "CLIPPER_BUNDLE_DIGEST"),
            scaling=Scaling.fixed(settings.replicas),
            serving=Serving(settings.batching, settings.batch_wait_ms / 1000, is_cached=False),
            registered_at=self._clock.wall(),
        )

    async def _services(self, version: ModelVersion) -> HostingServices:
        settings, name = self._settings, AppName(version.id.name)
        records = (
            Application(name, version.input_type, settings.default_output, settings.slo_ms * 1000),
            version,
            Link(name, version.id.name),
            Current(version.id.name, (Switch(version.id.version, version.registered_at),)),
        )
        view = RegistryView(registry=MemoryRegistry(), clock=self._clock)
        await view.load()
        await view.commit(lambda _: [Put(record) for record in records])
        predictions = PredictionService(
            registry=view,
            answers=ModelAnswers(invoker=self._pools, cache=None, clock=self._clock, metrics=self._metrics),
            clock=self._clock,
            metrics=self._metrics,
            query_ids=query_ids(self._clock),
        )
        return HostingServices(view, predictions, self._clock, self._pools)

    def _readiness(self) -> dict[str, Any]:
        """Ready: the model was loaded, is there, and nobody has asked for the end."""
        health = {str(pool.model): pool.health.value for pool in self._pools.pools()}
        is_there = all(value == Health.HEALTHY.value for value in health.values())
        return {"ready": self._is_settled and is_there, "models": health}


def _known(variables: Mapping[str, str], name: str) -> str:
    try:
        return variables[name]
    except KeyError:
        raise ModelStartError(f"The environment variable {name} is not set, so there is no model to serve") from None


def main() -> int:
    survive_full_disk()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        variables = os.environ  # noqa: TID251 - much of it is the model's
        server = ModelServer(ModelServerSettings.load(variables), variables)
        with asyncio.Runner() as runner:
            runner.run(_serve(server))
    except ClipperError as error:
        print(f"clipper-sls: {error.msg}", file=sys.stderr)
        return 1
    return 0


async def _serve(server: ModelServer) -> None:
    """Until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    opening, ending = asyncio.create_task(server.open()), asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({opening, ending}, return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            opening.result()
            spare_the_garbage_collector()
            await ending
            _log.info("Draining: answering what is being asked, then ending")
    finally:
        for task in (opening, ending):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({opening, ending})
        await server.close()


if __name__ == "__main__":
    sys.exit(main())
