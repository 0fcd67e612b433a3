"""LitServe: batches of 64 after 2 ms at most; the no-op unbatched in two workers behind two servers."""

import sys
from typing import Any

import litserve
from fastapi import Request, Response

from bench.contenders.served import WORKLOAD, load_model
from bench.workloads import BATCH_WAIT_S, MAX_BATCH, NO_OP

IS_BATCHED = WORKLOAD is not NO_OP
PROCESSES = 1 if IS_BATCHED else 2


class Api(litserve.LitAPI):
    def setup(self, device: Any) -> None:
        self.model = load_model()

    def decode_request(self, request: Request) -> Any:
        """By this annotation LitServe knows that it is to parse the body as JSON; what comes in is the parsed one."""
        return request["input"]

    def batch(self, inputs: Any) -> Any:
        return inputs

    def predict(self, inputs: Any) -> Any:
        return self.model(inputs) if IS_BATCHED else self.model([inputs])[0]

    def unbatch(self, output: Any) -> Any:
        return output

    def encode_response(self, output: Any) -> Response:
        return {"output": output}  # type: ignore[return-value]  # the annotation is for LitServe, as above


def main() -> None:
    api = Api(max_batch_size=MAX_BATCH, batch_timeout=BATCH_WAIT_S) if IS_BATCHED else Api()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=PROCESSES)
    options = {"num_api_servers": PROCESSES, "generate_client_file": False, "log_level": "warning", "access_log": False}
    server.run(host="127.0.0.1", port=int(sys.argv[1]), **options)


if __name__ == "__main__":
    main()
