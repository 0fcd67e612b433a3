"""What replicas print is kept within bounds; what they see of the engine is little."""

import os
import signal
import sys
from pathlib import Path

import pytest

from clipper_sls.domain.identifiers import ModelId


async def test_what_a_model_prints_is_in_its_replicas_log(engine):
    def printing(inputs):
        import os
        import sys

        print("to stdout", *inputs)
        print("to stderr", file=sys.stderr)
        os.write(1, b"past python\n")
        return inputs

    version = await engine.deploy(printing)
    await engine.outputs(version, 1, 2)

    (replica,) = engine.status(version).replicas
    await engine.until(lambda: "past python" in engine.log(version))
    log = engine.log(version)
    assert "to stdout" in log
    assert "to stderr" in log
    assert "past python" in log
    assert engine.pools.log_files(version.id) == [Path(replica.log_path)]


async def test_logs_are_listed_by_model_and_by_age(engine):
    one = await engine.deploy(lambda inputs: inputs, name="one")
    two = await engine.deploy(lambda inputs: inputs, name="two", replicas=2)

    assert [path.name for path in engine.pools.log_files(two.id)] == ["1.log", "2.log"]
    assert engine.pools.log_files() == [*engine.pools.log_files(one.id), *engine.pools.log_files(two.id)]
    assert engine.pools.log_files(ModelId.of("none", 1)) == []


@pytest.mark.processes_only
async def test_a_log_that_grows_is_cut_to_its_newest_half(make_engine):
    engine = await make_engine(replica_log_bytes=50_000)

    def chatty(inputs):
        for number in range(inputs[0]):
            print(f"line {number} of {inputs[0]}")
        return inputs

    version = await engine.deploy(chatty, batch_size=1)
    log = Path(engine.status(version).replicas[0].log_path)
    await engine.outputs(version, 20_000)
    await engine.until(lambda: log.stat().st_size <= 50_000)
    await engine.outputs(version, 1)

    lines = engine.log(version).splitlines()
    assert "line 0 of 20000" not in lines
    assert len(lines) > 100
    assert lines[-1].endswith("line 0 of 1")  # the end of the line before may have been lost while the log was cut


async def test_only_so_many_logs_of_ended_replicas_are_kept(make_engine):
    engine = await make_engine(max_log_files=2)
    version = await engine.deploy(lambda inputs: inputs)
    for number in range(1, 5):
        await engine.until(lambda: engine.pids(version))
        os.kill(engine.pids(version)[0], signal.SIGKILL)
        await engine.until(lambda number=number: len(engine.metrics.crashes) == number)
    await engine.until(lambda: engine.pids(version))
    await engine.pools.close()

    assert [path.name for path in engine.pools.log_files(version.id)] == ["4.log", "5.log"]


@pytest.mark.processes_only
async def test_a_model_sees_none_of_the_engines_variables(engine, monkeypatch):
    monkeypatch.setenv("CLIPPER_SLS_MANAGEMENT_TOKEN", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")

    def variables(inputs):
        import os

        return [dict(os.environ) for _ in inputs]  # noqa: TID251 - a model that looks around

    version = await engine.deploy(variables)
    (seen,) = await engine.outputs(version, 0)

    assert "secret" not in seen.values()
    assert seen["OMP_NUM_THREADS"] == "3"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "m"
    assert seen["AWS_LAMBDA_FUNCTION_VERSION"] == "1"
    assert seen["LAMBDA_TASK_ROOT"] == str(engine.bundle_folder / version.bundle_digest)


@pytest.mark.processes_only
async def test_a_model_may_write_where_it_works(engine):
    def writing(inputs):
        from pathlib import Path

        Path("notes.txt").write_text("kept")
        return [str(Path.cwd()) for _ in inputs]

    version = await engine.deploy(writing)
    (folder,) = await engine.outputs(version, 0)

    assert (Path(folder) / "notes.txt").exists()
    assert engine.state_dir in Path(folder).parents


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.processes_only
async def test_nothing_of_the_engine_is_open_in_a_replica_but_its_lifeline(engine):
    def descriptors(inputs):
        from pathlib import Path

        paths = [Path(f"/proc/self/fd/{fd}") for fd in range(100)]
        return [[str(path.readlink()) for path in paths if path.is_symlink()]] * len(inputs)

    await engine.deploy(descriptors, name="one")
    version = await engine.deploy(descriptors, name="two")

    (theirs,) = await engine.outputs(version, 0)
    ours = open_here()

    assert [target.partition(":")[0] for target in theirs if target in ours - {"/dev/null"}] == ["pipe"]


def open_here():
    return {str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()}
