"""What a model's process gets to see."""

from pathlib import Path

from clipper_sls.adapters.engine.process_environment import ReplicaIdentity, replica_environment
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

    assert "x" not in " ".join(replica_environment(IDENTITY, host, None).values()).split()
    assert not host.keys() & replica_environment(IDENTITY, host, None).keys()


def test_what_a_model_needs_of_the_host_passes():
    host = {"PATH": "/bin", "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": "0", "TZ": "UTC"}

    assert host.items() <= replica_environment(IDENTITY, host, None).items()


def test_a_replica_knows_what_it_is():
    ours = replica_environment(IDENTITY, {"AWS_REGION": "eu-west-1"}, Path("/staged"))

    assert ours["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:4321"
    assert ours["AWS_LAMBDA_FUNCTION_NAME"] == "m"
    assert ours["AWS_LAMBDA_FUNCTION_VERSION"] == "2"
    assert ours["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert ours["AWS_REGION"] == "local"
    assert ours["LAMBDA_TASK_ROOT"] == ours["CLIPPER_BUNDLE_PATH"] == "/bundles/ab"
    assert ours["CLIPPER_BUNDLE_DIGEST"] == "ab" * 32
    assert ours["CLIPPER_LIFELINE_FD"] == "7"
    assert ours["PYTHONPATH"] == "/staged"
    assert ours["PYTHONUNBUFFERED"] == "1"
