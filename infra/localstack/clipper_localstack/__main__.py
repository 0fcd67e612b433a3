"""`clipper-localstack`: LocalStack on loopback, with this plugin. Variables that are set already win."""

import os
import runpy
import shutil
import tempfile
from pathlib import Path

DEFAULTS = {
    "GATEWAY_SERVER": "hypercorn",  # the other server ignores the address of GATEWAY_LISTEN and listens on all
    "GATEWAY_LISTEN": "127.0.0.1:4566",
    "LAMBDA_RUNTIME_EXECUTOR": "clipper",
    "PROVIDER_OVERRIDE_DYNAMODB": "moto",  # LocalStack's own downloads Java
    "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "moto",
    "SQS_ENDPOINT_STRATEGY": "path",
    "DISABLE_EVENTS": "1",  # nothing is told to anybody
    "SKIP_SSL_CERT_DOWNLOAD": "1",
    "DNS_ADDRESS": "0",
}


def main() -> None:
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    root = Path(os.environ.setdefault("FILESYSTEM_ROOT", str(Path(tempfile.gettempdir()) / "clipper-localstack")))
    (root / "tmp").mkdir(parents=True, exist_ok=True)
    shutil.rmtree(root / "cache" / "plux", ignore_errors=True)  # it would not see that this plugin was installed anew
    os.environ["XDG_CACHE_HOME"] = str(root / "cache")
    os.environ["TMPDIR"] = tempfile.tempdir = str(root / "tmp")  # code of functions is unpacked there
    runpy.run_module("localstack.runtime.main", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
