"""While clients keep asking, versions come, switch and go, replicas come and die: every client gets an answer."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clipper_sls import ClipperConnection
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

CLIENTS = 6
BETWEEN_VERSIONS = 10_000_000

Until = Callable[[Callable[[], Any], str], Any]


def of_version(version: int) -> Callable[[Any], list[float]]:
    """Answers tell who gave them and what was asked."""

    def predict(inputs: Any) -> list[float]:
        return [version * BETWEEN_VERSIONS + values[0] for values in inputs]

    return predict


@pytest.fixture
def load(
    serving: ClipperConnection, engine: EngineUnderTest, askers: Callable[..., Any], until: Until
) -> Iterator[Any]:
    """Clients that ask version 1, and have got answers."""
    deploy_python_closure(serving, "m", 1, "doubles", of_version(1))
    serving.link_model_to_app("app", "m")
    with askers(engine.query, CLIENTS).asking() as load:
        until(lambda: len(load.answers) > CLIENTS, "the first answers")
        yield load


def _more(load: Any, until: Until, count: int = 5 * CLIENTS) -> list[Any]:
    """Answers to requests that are sent from now on."""
    mark = load.mark()

    def newer() -> list[Any]:
        found = [asked for asked in load.answers if asked.moment > mark]
        return found if len(found) >= count else []

    return list(until(newer, "more answers"))


def _version(asked: Any) -> int:
    version, remainder = divmod(asked.body["output"] - asked.number, BETWEEN_VERSIONS)
    assert remainder == 0, asked
    return int(version)


def _versions(answers: list[Any]) -> set[int]:
    return {_version(asked) for asked in answers if not asked.body["default"]}


def _check(load: Any, versions: set[int], *, may_default: bool = False) -> None:
    assert load.failures == []
    assert {asked.status for asked in load.answers} == {200}
    defaults = [asked for asked in load.answers if asked.body["default"]]
    assert may_default or defaults == []
    assert _versions(load.answers) <= versions
    ids = [asked.body["query_id"] for asked in load.answers]
    assert len(ids) == len(set(ids))


def test_switching_back_and_forth(load: Any, serving: ClipperConnection, until: Until) -> None:
    deploy_python_closure(serving, "m", 2, "doubles", of_version(2))
    assert _versions(_more(load, until)) == {2}
    for version in (1, 2, 1):
        serving.set_model_version("m", str(version))
        assert _versions(_more(load, until)) == {version}
    assert serving.rollback("m") == "2"
    assert _versions(_more(load, until)) == {2}
    _check(load, {1, 2})


def test_scaling_up_and_down(load: Any, serving: ClipperConnection, until: Until) -> None:
    for replicas in (3, 1, 2):
        serving.set_num_replicas("m", replicas)
        assert serving.get_num_replicas("m") == replicas
        _more(load, until)
    _check(load, {1})


def test_deleting_a_version_that_nobody_asks_for(load: Any, serving: ClipperConnection, until: Until) -> None:
    deploy_python_closure(serving, "m", 2, "doubles", of_version(2))
    serving.stop_versioned_models({"m": ["1"]})
    _more(load, until)
    _check(load, {1, 2})


def test_a_replica_that_is_killed(load: Any, serving: ClipperConnection, until: Until) -> None:
    serving.set_num_replicas("m", 2)
    for _ in range(3):
        (pool,) = serving.cm.management.get_replicas("m")
        os.kill(pool["replicas"][0]["pid"], signal.SIGKILL)
        _more(load, until)
        until(lambda: serving.cm.management.get_replicas("m")[0]["ready_replicas"] == 2, "the replica is back")
    _check(load, {1}, may_default=True)


def test_query_ids_do_not_come_again_after_a_kill(
    load: Any, engine: EngineUnderTest, until: Until, askers: Callable[..., Any]
) -> None:
    before = {asked.body["query_id"] for asked in _more(load, until)}
    engine.kill()
    with embedded_engine(engine.state_dir) as again, askers(again.query, 1).asking() as load_again:
        until(lambda: len(load_again.answers) > 20, "answers after the restart")
    _check(load_again, {1})
    assert before.isdisjoint(asked.body["query_id"] for asked in load_again.answers)
