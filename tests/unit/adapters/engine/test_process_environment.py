"""What a model's process gets to see."""

from pathlib import Path

from clipper_sls.adapters.engine.interpreters import Interpreter
from clipper_sls.adapters.engine.process_environment import ReplicaIdentity, passed_on, replica_environment
from clipper_sls.domain.identifiers import ModelId

IDENTITY = ReplicaIdentity(
    model=ModelId.of("m", 2),
    bundle_path=Path("/bundles/ab"),
    bundle_digest="ab" * 32,
    port=4321,
    lifeline_fd=7,
    memory_mib=512,
)


def test_secrets_of_the_engine_stay_with_it():
    host = {
        "CLIPPER_SLS_MANAGEMENT_TOKEN": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_SESSION_TOKEN": "x",
        "GITHUB_TOKEN": "x",
        "PYTHONPATH": "x",
        "HTTPS_PROXY": "http://user:x@proxy",
    }

    assert passed_on(host) == {}


def test_what_a_model_needs_of_the_host_passes():
    host = {"PATH": "/bin", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": "0", "TZ": "UTC"}

    assert passed_on(host) == host


def test_a_replica_knows_what_it_is():
    interpreter = Interpreter(Path("/usr/bin/python3"), "/staged", {"AWS_REGION": "eu-west-1", "TZ": "UTC"})

    ours = replica_environment(IDENTITY, interpreter)

    assert ours["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:4321"
    assert ours["AWS_LAMBDA_FUNCTION_NAME"] == "m"
    assert ours["AWS_LAMBDA_FUNCTION_VERSION"] == "2"
    assert ours["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert ours["AWS_REGION"] == "local"
    assert ours["LAMBDA_TASK_ROOT"] == ours["CLIPPER_BUNDLE_PATH"] == "/bundles/ab"
    assert ours["CLIPPER_BUNDLE_DIGEST"] == "ab" * 32
    assert ours["CLIPPER_LIFELINE_FD"] == "7"
    assert ours["PYTHONPATH"] == "/staged"
    assert ours["TZ"] == "UTC"
    assert ours["PYTHONUNBUFFERED"] == "1"
