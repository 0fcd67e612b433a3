"""How a version is served is said when it is deployed, and shown afterwards."""

from collections.abc import Callable
from typing import Any

Run = Callable[..., Any]
DEPLOY = ("deploy", "train:zero", "--name", "served", "-i", "doubles")


def test_options_reach_the_engine_and_are_listed(run: Run) -> None:
    chosen = ("--batching", "quantile", "--batch-wait-ms", "2.5", "--cache-ttl", "60", "--not-idempotent", "--hedging")
    deployed = run(*DEPLOY, "-v", "1", *chosen, "--json")
    assert deployed.code == 0, deployed.err
    wanted = {
        "batching": "quantile",
        "batch_wait_ms": 2.5,
        "cache": True,
        "cache_ttl_s": 60.0,
        "idempotent": False,
        "hedging": True,
    }
    assert {name: deployed.json[name] for name in wanted} == wanted
    (version,) = run("versions", "served", "--json").json
    assert {name: version[name] for name in wanted} == wanted
    shown = run("versions", "served").out
    assert "batching=quantile, batch_wait_ms=2.5, cache_ttl_s=60.0, idempotent=False, hedging=True" in shown


def test_what_is_as_by_default_is_not_listed(run: Run) -> None:
    assert run(*DEPLOY, "-v", "2", "--no-cache", "--no-hedging", "--batch-size", "7").code == 0
    row = run("versions", "served").out.splitlines()[-1]
    assert "batch_size=7, cache=False, hedging=False" in row
    assert "batching" not in row


def test_a_contradiction_is_refused_in_one_sentence(run: Run) -> None:
    refused = run(*DEPLOY, "-v", "3", "--batching", "aimd", "--batch-size", "5")
    assert (refused.code, refused.out) == (2, "")
    assert "batch_size=5 fixes it: give one of them" in refused.err
    unknown = run(*DEPLOY, "-v", "3", "--batching", "fast")
    assert unknown.code == 2
    assert "quantile" in unknown.err


def test_the_same_version_with_other_options_is_no_repetition(run: Run) -> None:
    assert run(*DEPLOY, "-v", "4").code == 0
    other = run(*DEPLOY, "-v", "4", "--no-cache")
    assert other.code != 0
    assert "with other options (it has cache=True)" in other.err


def test_inputs_to_warm_up_with_are_asked_of_the_replica(run: Run, project: Any) -> None:
    (project / "warm.json").write_text("[5]")
    warmed = ("deploy", "train:predict", "--name", "warmed", "-i", "doubles")
    assert run(*warmed, "-v", "1", "--warm-up-input", "[1, 2]", "--warm-up-input", "@warm.json").code == 0
    assert "asked for 2" in run("logs", "warmed").out
    refused = run(*warmed, "-v", "2", "--warm-up-input", "text")
    assert (refused.code, refused.out) == (2, "")
    assert "warm_up_inputs[0] is not an input of type doubles: 'text'" in refused.err
