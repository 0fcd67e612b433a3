import json
from pathlib import Path

import pytest

from bench.contenders.commands import CommandServer
from bench.peers.contenders import APPS, peers
from bench.peers.environments import PEERS, REQUIREMENTS, python_of
from bench.workloads import FOREST, NO_OP, Workload

TITLES = ["LitServe", "MLServer", "BentoML", "Ray Serve"]


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    for peer in PEERS:
        python = python_of(peer, tmp_path / "environments")
        python.parent.mkdir(parents=True)
        python.touch()
    return tmp_path / "environments"


def _named(environments: Path, name: str) -> CommandServer:
    return next(one for one in peers(environments)[0] if one.name == name)


def test_a_rival_takes_part_where_its_environment_is(environments: Path) -> None:
    found, missing = peers(environments)
    assert ([one.name for one in found], missing) == (TITLES, [])


def test_missing_rivals_are_named(environments: Path) -> None:
    python_of("ray", environments).unlink()
    found, missing = peers(environments)
    assert ([one.name for one in found], missing) == (TITLES[:3], ["ray"])


def test_every_rival_has_an_app_and_pinned_requirements() -> None:
    for peer in PEERS:
        assert (APPS / f"on_{peer}.py").exists()
        lines = (REQUIREMENTS / f"{peer}.txt").read_text().splitlines()
        assert all("==" in line for line in lines)


def test_a_command_runs_in_the_rivals_own_environment_on_the_port(environments: Path, tmp_path: Path) -> None:
    for rival, peer in zip(peers(environments)[0], PEERS, strict=True):
        command = rival.command(FOREST, tmp_path, 4711)
        assert Path(command[0]).is_relative_to(environments / peer)
        assert "4711" in command or json.loads((tmp_path / "settings.json").read_text())["http_port"] == 4711


@pytest.mark.parametrize(("workload", "is_batched"), [(NO_OP, False), (FOREST, True)])
def test_mlserver_is_told_to_batch_what_is_worth_it(
    environments: Path, tmp_path: Path, workload: Workload, is_batched: bool
) -> None:
    _named(environments, "MLServer").command(workload, tmp_path, 4711)
    model = json.loads((tmp_path / "model-settings.json").read_text())
    assert ("max_batch_size" in model) is is_batched
    assert json.loads((tmp_path / "settings.json").read_text())["parallel_workers"] == int(is_batched)
