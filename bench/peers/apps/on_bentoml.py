"""BentoML: two workers, its adaptive batching for all but the no-op."""

import bentoml

from bench.contenders.served import WORKLOAD, load_model
from bench.workloads import MAX_BATCH, NO_OP

PATIENCE_MS = 10_000
"""At BentoML's default of a second it refuses queries under load instead of answering late."""


@bentoml.service(workers=2, traffic={"timeout": 30}, logging={"access": {"enabled": False}}, metrics={"enabled": False})
class Model:
    def __init__(self) -> None:
        self.model = load_model()

    if WORKLOAD is NO_OP:

        @bentoml.api
        def predict(self, input: list[list[float]]) -> list[float]:  # noqa: A002 - the name in the JSON
            return self.model(input)

    else:

        @bentoml.api(batchable=True, max_batch_size=MAX_BATCH, max_latency_ms=PATIENCE_MS)
        def predict(self, input: list[list[float]]) -> list[float]:  # noqa: A002 - the name in the JSON
            return self.model(input)
