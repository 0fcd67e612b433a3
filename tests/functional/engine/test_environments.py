"""A version with packages of its own runs in an environment of its own, built once.

No network is needed: what is installed are wheels made here.
"""

import asyncio
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from clipper_sls.domain.query import DefaultReason
from clipper_sls.domain.replicas import Health
from clipper_sls.errors import EnvironmentBuildError
from clipper_sls.testing import images

pytestmark = pytest.mark.processes_only

RUNTIME_MODULES = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py", "cloudpickle", "numpy")


@pytest.fixture
def complete_runtime(tmp_path, runtime_path):
    """The staged runtime with what it imports beside it, so that no package index is needed."""
    folder = tmp_path / "complete-runtime"
    folder.mkdir()
    for origin in [
        runtime_path / "clipper_sls",
        *map(location, RUNTIME_MODULES),
        location("numpy").parent / "numpy.libs",
    ]:
        if origin.exists():
            (folder / origin.name).symlink_to(origin)
    return folder


@pytest.fixture
async def offline_engine(make_engine, complete_runtime):
    return await make_engine(runtime_path=complete_runtime, runtime_requirements=())


def location(module):
    spec = find_spec(module)
    origin = Path(spec.origin)
    return origin.parent if spec.submodule_search_locations else origin


def wheel(folder, version="1.0"):
    """A wheel with one module, `tinypackage`."""
    path = folder / f"tinypackage-{version}-py3-none-any.whl"
    info = f"tinypackage-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tinypackage.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tinypackage\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"tinypackage.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return str(path)


def whereabouts(inputs):
    import sys

    import tinypackage

    return [[tinypackage.VERSION, sys.prefix] for _ in inputs]


def compiled(*folder):
    return [path.name for path in Path(*folder).rglob("*.pyc")]


async def test_a_version_runs_with_the_packages_it_asks_for(offline_engine, tmp_path):
    version = await offline_engine.deploy(whereabouts, pkgs_to_install=[wheel(tmp_path)])

    ((package_version, prefix),) = await offline_engine.outputs(version, 0)

    assert package_version == "1.0"
    assert Path(prefix).parent == offline_engine.state_dir / "environments"


async def test_what_a_replica_compiled_is_kept_with_its_environment_and_not_in_its_bundle(offline_engine, tmp_path):
    version = await offline_engine.deploy(whereabouts, pkgs_to_install=[wheel(tmp_path)])
    ((_, prefix),) = await offline_engine.outputs(version, 0)

    assert compiled(prefix, "bytecode")
    assert not compiled(offline_engine.state_dir, "bundles")


async def test_an_environment_has_the_versions_that_are_locked_in_the_bundle(offline_engine, tmp_path, monkeypatch):
    """What a package needs is as where the function was deployed, if it is there, and not as an index offers it."""
    for released in ("1.0", "2.0"):
        images.wheel(tmp_path / "wheels", {"tinypackage.py": f"VERSION = {released!r}\n".encode()}, version=released)
    app = images.wheel(tmp_path / "wheels", {"app.py": b"import tinypackage\n"}, name="app", needs=["tinypackage"])
    for variable, value in images.only_wheels_in(tmp_path / "wheels").items():
        monkeypatch.setenv(variable, value)

    def needed(inputs):
        import app

        return [app.tinypackage.VERSION for _ in inputs]

    left_open = await offline_engine.deploy(needed, version="1", pkgs_to_install=["app"])
    for path in (app, tmp_path / "wheels" / "tinypackage-1.0-py3-none-any.whl"):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "installed")
    monkeypatch.syspath_prepend(tmp_path / "installed")
    locked = await offline_engine.deploy(needed, version="2", pkgs_to_install=["app"])

    assert await offline_engine.outputs(left_open, 0) == ["2.0"]
    assert await offline_engine.outputs(locked, 0) == ["1.0"]


async def test_versions_with_other_needs_have_other_environments(offline_engine, tmp_path):
    first = await offline_engine.deploy(whereabouts, version="1", pkgs_to_install=[wheel(tmp_path, "1.0")])
    second = await offline_engine.deploy(whereabouts, version="2", pkgs_to_install=[wheel(tmp_path, "2.0")])

    answers = [(await offline_engine.outputs(version, 0))[0] for version in (first, second)]

    assert [answer[0] for answer in answers] == ["1.0", "2.0"]
    assert answers[0][1] != answers[1][1]


async def test_equal_needs_share_one_environment_and_one_build(offline_engine, tmp_path):
    package = wheel(tmp_path)

    versions = await asyncio.gather(
        *(offline_engine.deploy(whereabouts, version=str(n), pkgs_to_install=[package]) for n in range(3))
    )

    answers = [(await offline_engine.outputs(version, 0))[0] for version in versions]
    assert len({prefix for _, prefix in answers}) == 1
    assert len(list((offline_engine.state_dir / "environments").iterdir())) == 1


async def test_an_environment_is_kept_for_the_next_engine(make_engine, complete_runtime, tmp_path):
    first = await make_engine(runtime_path=complete_runtime, runtime_requirements=())
    version = await first.deploy(whereabouts, pkgs_to_install=[wheel(tmp_path)])
    await first.pools.close()
    for package in tmp_path.glob("*.whl"):
        package.unlink()

    second = await make_engine(runtime_path=complete_runtime, runtime_requirements=())
    await second.pools.resume(version)

    assert (await second.outputs(version, 0))[0][0] == "1.0"


async def test_a_build_that_was_cut_off_is_done_anew(make_engine, complete_runtime, tmp_path):
    first = await make_engine(runtime_path=complete_runtime, runtime_requirements=())
    version = await first.deploy(whereabouts, pkgs_to_install=[wheel(tmp_path)])
    await first.pools.close()
    (environment,) = (first.state_dir / "environments").iterdir()
    (environment / ".complete").unlink()
    (environment / "bin" / "python").unlink()

    second = await make_engine(runtime_path=complete_runtime, runtime_requirements=())
    await second.pools.start(version)

    assert (await second.outputs(version, 0))[0][0] == "1.0"


async def test_a_package_that_cannot_be_installed_is_an_error_with_what_uv_says(offline_engine, tmp_path):
    missing = str(tmp_path / "missing-1.0-py3-none-any.whl")

    with pytest.raises(EnvironmentBuildError) as refused:
        await offline_engine.deploy(lambda inputs: inputs, pkgs_to_install=[missing])

    assert "missing-1.0" in str(refused.value)
    assert "pkgs_to_install" in str(refused.value)
    assert list((offline_engine.state_dir / "environments").iterdir()) == []
    assert offline_engine.pools.pools() == []


async def test_a_build_that_takes_too_long_is_ended(make_engine, complete_runtime, tmp_path):
    engine = await make_engine(runtime_path=complete_runtime, runtime_requirements=(), environment_timeout_s=0.001)

    with pytest.raises(EnvironmentBuildError, match=r"took longer than 0.001 s"):
        await engine.deploy(whereabouts, pkgs_to_install=[wheel(tmp_path)])


async def test_a_resumed_version_whose_environment_fails_says_so(offline_engine, tmp_path):
    version = offline_engine.bundle(
        lambda inputs: inputs, pkgs_to_install=[str(tmp_path / "gone-1.0-py3-none-any.whl")]
    )

    await offline_engine.pools.resume(version)
    await offline_engine.pools.settled(30.0)

    assert offline_engine.status(version).health in (Health.DEGRADED, Health.STARTING)
    assert "gone-1.0" in offline_engine.status(version).last_error
    assert await offline_engine.outputs(version, 0, within_s=0.1) == [DefaultReason.TIMED_OUT]


async def test_a_version_without_needs_runs_on_the_engines_python(engine):
    def executable(inputs):
        import sys

        return [sys.executable for _ in inputs]

    version = await engine.deploy(executable)

    assert await engine.outputs(version, 0) == [sys.executable]
    assert not (engine.state_dir / "environments").exists()
