"""What every output of a scored file does, on this machine and in S3."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from clipper_sls.adapters.bulk.file_output import FileOutput
from clipper_sls.adapters.bulk.s3 import S3Address
from clipper_sls.adapters.bulk.s3_spool import S3Spool, is_there
from clipper_sls.bootstrap.bulk import bulk_files
from clipper_sls.domain.bulk.columns import WantedColumns
from clipper_sls.domain.bulk.journal import BulkRun, Checkpoint, Counts
from clipper_sls.domain.bulk.rows import Position
from clipper_sls.domain.inputs import InputType
from clipper_sls.ports.bulk import BulkOutput

RUN = BulkRun("app", "1", "in.csv", "content", (), (), "csv")
BLOCK = b"x" * (5 * 1024 * 1024) + b"\n"
"""S3's least size of a part, so that each write is one."""

NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Place:
    """Opens the same output again, as another process would; reads what is there."""

    output: Callable[[], BulkOutput]
    content: Callable[[], bytes | None]


@pytest.fixture(params=["local", "ministack", "moto"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "local":
        path = tmp_path / "out.csv"
        yield Place(
            lambda: (
                bulk_files(
                    "in.csv", str(path), WantedColumns(InputType.DOUBLES), input_format=None, output_format=None
                ).output
            ),
            lambda: path.read_bytes() if path.exists() else None,
        )
        assert sorted(tmp_path.iterdir()) in ([], [path])
        return
    client = _s3(request.getfixturevalue(f"shared_{request.param}").url)
    address = S3Address(f"bulk-{next(NUMBERS)}", "folder/out.csv")
    client.create_bucket(Bucket=address.bucket)
    yield Place(lambda: _s3_output(client, address), lambda: _content(client, address))
    left = [found["Key"] for found in client.list_objects_v2(Bucket=address.bucket).get("Contents", [])]
    assert left in ([], [address.key])
    assert not client.list_multipart_uploads(Bucket=address.bucket).get("Uploads")


def _s3(url: str) -> Any:
    return boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def _s3_output(client: Any, address: S3Address) -> FileOutput:
    spool = S3Spool(client, address, address, part_bytes=len(BLOCK))
    return FileOutput(str(address), spool, lambda: is_there(client, address), lambda _: None)


def _content(client: Any, address: S3Address) -> bytes | None:
    return client.get_object(**address.place)["Body"].read() if is_there(client, address) else None


def after(blocks: int) -> Checkpoint:
    return Checkpoint(Position(blocks, blocks), Counts(rows=blocks), blocks * len(BLOCK))


def test_a_file_is_there_when_it_is_whole_and_not_before(place: Place) -> None:
    output = place.output()
    output.begin(RUN)
    output.write(BLOCK, after(1))
    assert (output.is_finished(), place.content()) == (False, None)
    output.finish()
    output.close()
    assert (output.is_finished(), place.content()) == (True, BLOCK)
    assert place.output().unfinished() is None


def test_another_process_goes_on_after_what_was_written(place: Place) -> None:
    first = place.output()
    first.begin(RUN)
    first.write(BLOCK, after(1))
    first.write(BLOCK, after(2))
    first.close()
    second = place.output()
    journal = second.unfinished()
    assert journal is not None
    assert (journal.run, journal.checkpoint) == (RUN, after(2))
    second.resume(journal)
    second.write(BLOCK, after(3))
    second.finish()
    second.close()
    assert place.content() == BLOCK * 3


def test_to_begin_is_to_forget_what_an_interrupted_run_has_left(place: Place) -> None:
    first = place.output()
    first.begin(RUN)
    first.write(BLOCK, after(1))
    first.close()
    second = place.output()
    second.begin(RUN)
    second.write(b"other\n", after(1))
    second.finish()
    second.close()
    assert place.content() == b"other\n"


def test_a_finished_file_stays_until_another_one_is_whole(place: Place) -> None:
    for content in (b"first\n", b"second\n"):
        before = place.content()
        output = place.output()
        output.begin(RUN)
        output.write(content, after(1))
        assert place.content() == before
        output.finish()
        output.close()
        assert place.content() == content


def test_of_a_run_without_rows_nothing_is_left(place: Place) -> None:
    output = place.output()
    output.begin(RUN)
    output.write(b"header\n", Checkpoint(size_bytes=7))
    output.close()
    assert place.output().unfinished() is None
    assert place.content() is None


def test_a_file_without_a_byte_is_a_file(place: Place) -> None:
    output = place.output()
    output.begin(RUN)
    output.finish()
    output.close()
    assert place.content() == b""
