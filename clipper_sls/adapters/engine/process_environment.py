"""The environment variables of a replica.

A model is code of others: it gets what it needs to run, and none of the engine's own variables, among which there
are secrets.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clipper_sls.adapters.engine.interpreters import Interpreter
from clipper_sls.domain.identifiers import ModelId

_PASSED_ON = frozenset(
    (
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "TERM",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "LD_PRELOAD",
        "MALLOC_ARENA_MAX",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "LOKY_MAX_CPU_COUNT",
        "CUDA_VISIBLE_DEVICES",
        "CUDA_HOME",
        "CUDA_PATH",
        "NVIDIA_VISIBLE_DEVICES",
        "NVIDIA_DRIVER_CAPABILITIES",
        "HF_HOME",
        "TORCH_HOME",
        "TRANSFORMERS_CACHE",
        "XDG_CACHE_HOME",
        "NLTK_DATA",
        "JAVA_HOME",
        "SPARK_HOME",
        "R_HOME",
        "R_LIBS_USER",
        "PYTHONHASHSEED",
    )
)
_PASSED_PREFIX = "LC_"

REGION = "local"


@dataclass(frozen=True, slots=True)
class ReplicaIdentity:
    """What one replica has to know of itself."""

    model: ModelId
    bundle_path: Path
    bundle_digest: str
    port: int  # of its Runtime API, on loopback
    lifeline_fd: int
    memory_mib: int


def host_variables() -> dict[str, str]:
    """Those of this machine that a model may see."""
    return passed_on(os.environ)


def passed_on(host: Mapping[str, str]) -> dict[str, str]:
    """Of the variables of a host, those that a model may see."""
    return {name: value for name, value in host.items() if name in _PASSED_ON or name.startswith(_PASSED_PREFIX)}


def replica_environment(identity: ReplicaIdentity, interpreter: Interpreter) -> dict[str, str]:
    """The interpreter's variables, and over them what a replica has to know."""
    ours = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{identity.port}",
        "AWS_LAMBDA_FUNCTION_NAME": identity.model.name,
        "AWS_LAMBDA_FUNCTION_VERSION": identity.model.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(identity.memory_mib),
        "AWS_REGION": REGION,
        "LAMBDA_TASK_ROOT": str(identity.bundle_path),
        "CLIPPER_BUNDLE_PATH": str(identity.bundle_path),
        "CLIPPER_BUNDLE_DIGEST": identity.bundle_digest,
        "CLIPPER_LIFELINE_FD": str(identity.lifeline_fd),
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",  # else the working folder could shadow modules
    }
    if interpreter.python_path is not None:
        ours["PYTHONPATH"] = interpreter.python_path
    return {**interpreter.variables, **ours}


def function_arn(model: ModelId) -> str:
    """What Lambda would call the version."""
    return f"arn:aws:lambda:{REGION}:000000000000:function:{model.name}:{model.version}"
