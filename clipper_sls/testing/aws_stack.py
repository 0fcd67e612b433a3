"""A stack for tests: functions in MiniStack that really run, and the applications of AWS before them, in this process.

with aws_stack(ministack.url, tmp_path, "st") as stack:
    subprocess.run([..., "apps"], env={**os.environ, **stack.environment})
"""

import asyncio
import itertools
import math
import random
import secrets
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
from starlette.types import ASGIApp

from clipper_sls.adapters.functions.clients import AwsClients
from clipper_sls.adapters.functions.function_host import FunctionHost
from clipper_sls.adapters.functions.lambda_functions import LambdaProvisioner
from clipper_sls.adapters.functions.no_bundles import NoBundles
from clipper_sls.adapters.local.memory_feedback import MemoryFeedbackLog
from clipper_sls.adapters.local.memory_job_queue import MemoryJobQueue
from clipper_sls.adapters.local.memory_job_store import MemoryJobStore
from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.ministack.http import MiniStackHttp
from clipper_sls.bootstrap.local_lambda import FunctionPlaces, lambda_edge
from clipper_sls.config import Settings
from clipper_sls.domain.functions.names import StackNames
from clipper_sls.http.management import EngineInfo, create_management_app
from clipper_sls.http.predict import InputLimits
from clipper_sls.http.query_app import create_query_app
from clipper_sls.http.serve import HttpServers, listen, url_of
from clipper_sls.ports.model_invoker import ModelInvoker
from clipper_sls.service.applications import ApplicationService
from clipper_sls.service.feedback import FeedbackService
from clipper_sls.service.jobs import JobService, JobTimes
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.models import ModelService
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.service.services import Services
from clipper_sls.testing.fakes import RecordingMetrics
from clipper_sls.testing.lambda_functions import CREDENTIALS, aws_client, lambda_invoker
from clipper_sls.testing.ministack import ACCOUNT, REGION

VIEW_MAX_AGE_S = 1.0
START_LIMIT_S = 60.0
OUTPUT = "{{Value: '{}'}}"


@dataclass(frozen=True, slots=True)
class StackUnderTest:
    names: StackNames
    endpoint: str  # of all of AWS
    query: str
    management: str
    image_folder: Path
    registry: MemoryRegistry

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to take this for AWS, and the stack for its own."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "CLIPPER_SLS_STACK_NAME": self.names.stack,
            "CLIPPER_SLS_IMAGE_FOLDER": str(self.image_folder),
        }

    @property
    def clients(self) -> AwsClients:
        return _clients(self.endpoint)


def _clients(endpoint: str) -> AwsClients:
    session = boto3.Session(
        aws_access_key_id=CREDENTIALS.access_key, aws_secret_access_key=CREDENTIALS.secret_key, region_name=REGION
    )
    return AwsClients(session=session, endpoint=endpoint)


@contextmanager
def aws_stack(ministack_url: str, folder: Path, name: str) -> Iterator[StackUnderTest]:
    """The stack `name`, until the end; what it made in MiniStack stays there."""
    serving = _Serving(ministack_url, folder, StackNames(name))
    thread = threading.Thread(target=lambda: asyncio.run(serving.run()), name=f"stack {name}")
    thread.start()
    try:
        serving.started.wait(START_LIMIT_S)
        assert serving.stack is not None, "the stack did not start"
        _create_stack(serving.stack)
        yield serving.stack
    finally:
        serving.end()
        thread.join()


def _create_stack(stack: StackUnderTest) -> None:
    """CloudFormation knows what it puts out, and nothing else of it."""
    values = {
        "QueryUrl": stack.query,
        "ManagementUrl": stack.management,
        "ModelRepositoryUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{stack.names.image_repository}",
        "ModelRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{stack.names.stack}-model",
    }
    outputs = "\n".join(f"  {key}: {OUTPUT.format(value)}" for key, value in values.items())
    queue = f"Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: {{QueueName: {stack.names.jobs_queue}}}"
    clients = stack.clients.stacks
    clients.create_stack(StackName=stack.names.stack, TemplateBody=f"{queue}\nOutputs:\n{outputs}\n")
    clients.get_waiter("stack_create_complete").wait(
        StackName=stack.names.stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


class _Serving:
    """What runs in the thread."""

    def __init__(self, ministack_url: str, folder: Path, names: StackNames) -> None:
        self.started = threading.Event()
        self.stack: StackUnderTest | None = None
        self._url, self._folder, self._names = ministack_url, folder, names
        self._clock = SystemClock()
        self._registry = MemoryRegistry()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    def end(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            async with AsyncExitStack() as opened:
                await self._open(opened)
                self.started.set()
                await self._ended.wait()
        finally:
            self.started.set()

    async def _open(self, opened: AsyncExitStack) -> None:
        edge, query, management = (listen("127.0.0.1", 0, may_move=False) for _ in range(3))
        images = self._folder / "images"
        images.mkdir(parents=True)
        settings = Settings.load(allow_unsigned=True, idle_limit_s=60.0, max_replicas=8)
        server = MiniStackHttp(self._url, REGION)
        opened.push_async_callback(server.close)
        places = FunctionPlaces(self._folder / "functions", images, REGION, {"AWS_ENDPOINT_URL": self._url})
        plane, _ = await lambda_edge(settings, places, server, opened)
        client = await opened.enter_async_context(aws_client(url_of(edge)))
        services = await self._services(lambda_invoker(client, RecordingMetrics()))
        apps: list[ASGIApp] = [plane, self._query_app(services), self._management_app(services)]
        servers = HttpServers(list(zip(apps, (edge, query, management), strict=True)), drain_timeout_s=1.0)
        servers.start()
        opened.push_async_callback(servers.close)
        self.stack = StackUnderTest(
            self._names, url_of(edge), url_of(query), url_of(management), images, self._registry
        )

    async def _services(self, invoker: ModelInvoker) -> Services:
        clock, metrics = self._clock, RecordingMetrics()
        view = RegistryView(registry=self._registry, clock=clock, max_age_s=VIEW_MAX_AGE_S)
        await view.load()
        queue = MemoryJobQueue(clock=clock, max_receives=3)
        host = FunctionHost(
            names=self._names,
            provisioner=LambdaProvisioner(_clients(self._url)),
            versions=lambda: tuple(view.snapshot.versions.values()),
            clock=clock,
            chance=random.Random(),  # noqa: S311 - of waits
        )
        answers = ModelAnswers(invoker=invoker, cache=None, clock=clock, metrics=metrics)
        return Services(
            registry=view,
            predictions=PredictionService(
                registry=view, answers=answers, clock=clock, metrics=metrics, query_ids=itertools.count()
            ),
            clock=clock,
            host=host,
            feedback=FeedbackService(log=MemoryFeedbackLog(), clock=clock),
            jobs=JobService(
                queue=queue,
                store=MemoryJobStore(clock=clock),
                registry=view,
                clock=clock,
                times=JobTimes(expiry_s=3_600.0, keep_s=86_400.0),
                chance=secrets.token_bytes,
                poll_s=math.inf,
            ),
            applications=ApplicationService(registry=view),
            models=ModelService(registry=view, host=host, bundles=NoBundles(), clock=clock),
            dead_letters=queue,
        )

    def _query_app(self, services: Services) -> ASGIApp:
        return create_query_app(
            services,
            limits=InputLimits(1 << 20, 1_000),
            metrics=None,
            is_ready=lambda: {"ready": True},
            model_slo_s=3.0,
        )

    def _management_app(self, services: Services) -> ASGIApp:
        info = EngineInfo("0.0.1", 0, self._names.stack, "", self._clock.wall(), "", "")
        return create_management_app(
            services,
            info=info,
            is_ready=lambda: {"ready": True},
            shut_down=lambda: None,
            max_bundle_bytes=1 << 20,
            token=None,
        )
