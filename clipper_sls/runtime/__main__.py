"""`python -m clipper_sls.runtime`: one replica, from its start until whoever started it ends it or is gone.

The same entry point serves in an image on Lambda, where neither a lifeline nor a parent to follow exists, and below an
engine on one machine.
"""

import faulthandler
import os
import signal
import sys

from clipper_sls.runtime import lifeline
from clipper_sls.runtime.standard_streams import survive_full_disk

HANDLER = "clipper_sls.runtime.lambda_entry.handler"
USAGE_EXIT_CODE = 2

NO_RUNTIME_API = (
    "clipper_sls.runtime: AWS_LAMBDA_RUNTIME_API is not set, so there is nobody to ask this model anything. A "
    "replica is started by AWS Lambda or by the engine: run 'clipper-sls dev' and deploy the model to that engine. "
    "An image of a model runs on AWS Lambda, or below a Lambda Runtime API of your own; it does not yet hold a server "
    "of its own for other places."
)


def main() -> int:
    """Serve for ever; returns only when there is nobody to serve."""
    survive_full_disk()
    faulthandler.enable()  # a segmentation fault in the model leaves its stack in the replica's log
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the engine ends its replicas
    lifeline.follow_parent(os.environ.get("CLIPPER_LIFELINE_FD"))
    if "AWS_LAMBDA_RUNTIME_API" not in os.environ:
        print(NO_RUNTIME_API, file=sys.stderr)
        return USAGE_EXIT_CODE
    from awslambdaric.__main__ import main as serve

    serve(["awslambdaric", HANDLER])
    return 0


if __name__ == "__main__":
    sys.exit(main())
