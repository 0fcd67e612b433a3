"""`python -m clipper_sls.runtime`: one replica, from its start until whoever started it ends it or is gone.

The same entry point serves in an image on Lambda, where neither a lifeline nor a parent to follow exists, and below an
engine on one machine. Where nobody offers a Lambda Runtime API, an image's own server does, and starts this once more.
"""

import faulthandler
import os
import signal
import sys
from collections.abc import Mapping

from clipper_sls.runtime import lifeline
from clipper_sls.runtime.relay import start_relay
from clipper_sls.runtime.standard_streams import survive_full_disk

HANDLER = "clipper_sls.runtime.lambda_entry.handler"
USAGE_EXIT_CODE = 2

SERVER_MODULE = "clipper_sls.bootstrap.model_server"

NO_RUNTIME_API = (
    "clipper_sls.runtime: AWS_LAMBDA_RUNTIME_API is not set, so there is nobody to ask this model anything. A "
    "replica is started by AWS Lambda or by the engine: run 'clipper-sls dev' and deploy the model to that engine. "
    "An image of a model (clipper-sls image build) has a server of its own for all other places."
)


def main() -> int:
    """Serve for ever; returns only when there is nobody to serve."""
    survive_full_disk()
    faulthandler.enable()  # a segmentation fault in the model leaves its stack in the replica's log
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the engine ends its replicas
    lifeline.follow_parent(os.environ.get("CLIPPER_LIFELINE_FD"))
    if (socket_path := os.environ.get("CLIPPER_RUNTIME_API_SOCKET")) is not None:
        os.environ["AWS_LAMBDA_RUNTIME_API"] = start_relay(socket_path)  # AWS' client reads it when it is imported
    if "AWS_LAMBDA_RUNTIME_API" not in os.environ:
        become_server(os.environ)
        print(NO_RUNTIME_API, file=sys.stderr)
        return USAGE_EXIT_CODE
    from awslambdaric.__main__ import main as serve

    serve(["awslambdaric", HANDLER])
    return 0


def become_server(variables: Mapping[str, str]) -> None:
    """Go on as the server of an image, and never return; returns where there is none.

    The server has packages of its own, and finds the model's behind them; the model gets to see only those.
    """
    server = variables.get("CLIPPER_IMAGE_SERVER_PATH")
    if server is None:
        return
    path = variables.get("PYTHONPATH", "")
    ours = {"PYTHONPATH": f"{server}:{path}", "CLIPPER_MODEL_PYTHONPATH": path}
    os.execve(sys.executable, [sys.executable, "-m", SERVER_MODULE], {**variables, **ours})  # noqa: S606 - no shell


if __name__ == "__main__":
    sys.exit(main())
