"""Runs that are killed and started again, on this machine and in S3."""

import json
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3  # noqa: F401 - the client of the fixture `bucket`
import pytest

Run = Callable[..., Any]
Start = Callable[..., "subprocess.Popen[str]"]
ROWS = 10_000


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("input") / "in.csv"
    path.write_text("id,a,b\n" + "".join(f"r{n},{n},{n % 7}\n" for n in range(ROWS)))
    return path


@pytest.fixture(scope="module")
def whole(run: Run, numbers: Path) -> bytes:
    """What an uninterrupted run writes."""
    out = numbers.with_name("whole.csv")
    assert run("score", "sums", "--input", numbers, "--output", out, "--keep", "id")[0] == 0
    return out.read_bytes()


def _killed(process: "subprocess.Popen[str]", path: Path, size_bytes: int) -> None:
    """SIGKILL once the output has so many bytes, or the process has ended."""
    while process.poll() is None and not (path.exists() and path.stat().st_size >= size_bytes):
        try:
            process.wait(0.005)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.communicate()


@pytest.mark.parametrize("suffix", ["csv", pytest.param("parquet", marks=pytest.mark.slow)])
def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_run_once(
    start: Start, run: Run, numbers: Path, whole: bytes, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"out.{suffix}"
    partial = tmp_path / f"out.{suffix}.partial"
    command = ("score", "sums", "--input", numbers, "--output", out, "--keep", "id", "--chunk-rows", 500)
    chance = random.Random(5)
    before = 0
    for part in (0.3, 0.6):
        _killed(start(*command), partial, int(part * len(whole) * chance.uniform(0.9, 1.1)))
        journal = json.loads((tmp_path / f"out.{suffix}.partial.json").read_text())
        assert journal["checkpoint"]["counts"]["rows"] >= before
        before = journal["checkpoint"]["counts"]["rows"]
        assert not out.exists()
    code, document, err = run(*command, "--json")
    assert code == 0, err
    assert json.loads(document)["resumed_rows"] == before > 0
    assert list(tmp_path.iterdir()) == [out]
    if suffix == "csv":
        assert out.read_bytes() == whole
    else:
        again = tmp_path / "again.parquet"
        assert run(*command[:5], again, *command[6:])[0] == 0
        assert out.read_bytes() == again.read_bytes()


@pytest.mark.slow
def test_ctrl_c_leaves_what_the_next_run_goes_on_from(
    start: Start, run: Run, numbers: Path, whole: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    command = ("score", "sums", "--input", numbers, "--output", out, "--keep", "id", "--chunk-rows", 500)
    process = start(*command)
    partial = tmp_path / "out.csv.partial"
    while not (partial.exists() and partial.stat().st_size > len(whole) / 10):
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert run(*command)[0] == 0
    assert out.read_bytes() == whole


@pytest.mark.slow
def test_an_unfinished_output_is_not_gone_on_with_for_another_run(
    start: Start, run: Run, numbers: Path, whole: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    command = ["score", "sums", "--input", numbers, "--output", out, "--keep", "id", "--chunk-rows", 500]
    _killed(start(*command), tmp_path / "out.csv.partial", len(whole) // 10)
    other = [*command[:6], "--columns", "a", "--keep", "id"]
    code, _, err = run(*other)
    assert code == 4
    assert "of another columns: (), and not ('a',). Begin anew with --no-resume" in err
    assert run(*command, "--no-resume")[0] == 0
    assert out.read_bytes() == whole


def test_two_runs_do_not_write_one_output(start: Start, run: Run, numbers: Path, whole: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    command = ("score", "sums", "--input", numbers, "--output", out, "--keep", "id", "--chunk-rows", 100)
    first = start(*command)
    while not (tmp_path / "out.csv.partial.json").exists():
        assert first.poll() is None, first.communicate()
    first.send_signal(signal.SIGSTOP)
    code, _, err = run(*command)
    first.send_signal(signal.SIGCONT)
    assert code == 4
    assert "Another run is writing" in err
    first.communicate(timeout=60)
    assert (first.returncode, out.read_bytes()) == (0, whole)


@pytest.mark.parametrize("suffix", [pytest.param("csv", marks=pytest.mark.slow), "parquet"])
def test_files_are_read_from_s3_and_written_there(
    run: Run, numbers: Path, whole: bytes, tmp_path: Path, bucket: tuple[Any, str, dict[str, str]], suffix: str
) -> None:
    client, name, variables = bucket
    client.upload_file(str(numbers), name, "in.csv")
    there = f"s3://{name}/out-{suffix}.{suffix}"
    code, _, err = run(
        "score", "sums", "--input", f"s3://{name}/in.csv", "--output", there, "--keep", "id", **variables
    )
    assert code == 0, err
    content = client.get_object(Bucket=name, Key=f"out-{suffix}.{suffix}")["Body"].read()
    if suffix == "csv":
        assert content == whole
    else:
        here = tmp_path / "out.parquet"
        assert run("score", "sums", "--input", numbers, "--output", here, "--keep", "id")[0] == 0
        assert content == here.read_bytes()
    keys = {found["Key"] for found in client.list_objects_v2(Bucket=name)["Contents"]}
    assert not [key for key in keys if "partial" in key]
    code, _, err = run("score", "sums", "--input", numbers, "--output", there, "--keep", "id", **variables)
    assert code == 4, err


def test_an_object_that_is_not_there_is_told(run: Run, tmp_path: Path, bucket: tuple[Any, str, dict[str, str]]) -> None:
    _, name, variables = bucket
    arguments = ("--input", f"s3://{name}/no.csv", "--output", tmp_path / "out.csv")
    code, _, err = run("score", "sums", *arguments, **variables)
    assert (code, f"There is no s3://{name}/no.csv" in err) == (3, True)


@pytest.mark.slow
def test_a_run_into_s3_that_is_killed_goes_on_with_the_parts_that_are_there(
    start: Start, run: Run, tmp_path: Path, bucket: tuple[Any, str, dict[str, str]]
) -> None:
    client, name, variables = bucket
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f'{{"input": "{n:06}", "text": "{"x" * 3_000}"}}\n' for n in range(12_000)))
    command = ("score", "texts", "--input", source, "--output", f"s3://{name}/killed.jsonl", "--keep", "text")
    process = start(*command, **variables)
    journal: dict[str, Any] = {"store": {"parts": []}}
    while len(journal["store"]["parts"]) < 2:
        assert process.poll() is None, process.communicate()
        try:
            journal = json.loads(client.get_object(Bucket=name, Key="killed.jsonl.partial.json")["Body"].read())
        except client.exceptions.NoSuchKey:
            continue
    process.kill()
    process.communicate()
    code, document, err = run(*command, "--json", **variables)
    assert code == 0, err
    assert json.loads(document)["resumed_rows"] >= journal["checkpoint"]["counts"]["rows"] > 0
    content = client.get_object(Bucket=name, Key="killed.jsonl")["Body"].read()
    here = tmp_path / "here.jsonl"
    assert run("score", "texts", "--input", source, "--output", here, "--keep", "text")[0] == 0
    assert content == here.read_bytes()
