"""Ray Serve: one replica, @serve.batch of 64 after 2 ms at most for all but the no-op."""

import signal
import sys
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from bench.contenders.served import WORKLOAD, load_model
from bench.workloads import BATCH_WAIT_S, MAX_BATCH, NO_OP

STORE_BYTES = 100 * 2**20
QUIET = {"enable_access_log": False, "log_level": "WARNING"}


@serve.deployment(num_replicas=1, max_ongoing_requests=1024, ray_actor_options={"num_cpus": 0.5})
class Model:
    def __init__(self) -> None:
        self.model = load_model()

    @serve.batch(max_batch_size=MAX_BATCH, batch_wait_timeout_s=BATCH_WAIT_S)
    async def batched(self, rows: list[list[float]]) -> list[float]:
        return self.model(rows)

    async def __call__(self, request: Request) -> dict[str, Any]:
        row = (await request.json())["input"]
        return {"output": self.model([row])[0] if WORKLOAD is NO_OP else await self.batched(row)}


def main() -> None:
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=STORE_BYTES,
        log_to_driver=False,
        configure_logging=False,
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])}, logging_config=QUIET)
    deployment: Any = Model
    serve.run(deployment.options(logging_config=QUIET).bind(), route_prefix="/predict")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    ray.shutdown()


if __name__ == "__main__":
    main()
