"""A file may be larger than what a run takes of memory."""

import subprocess
import sys
from pathlib import Path

import pytest

FILE_BYTES = 150_000_000
LIMIT_BYTES = 60_000_000

RUN = """
import asyncio, random, resource, sys
from pathlib import Path
from clipper_sls.bootstrap.bulk import bulk_files
from clipper_sls.domain.bulk.columns import WantedColumns
from clipper_sls.domain.bulk.journal import BulkRun
from clipper_sls.domain.bulk.output_lines import lines_for
from clipper_sls.domain.bulk.pace import Pace
from clipper_sls.domain.inputs import InputType
from clipper_sls.bootstrap.bulk import clock_for_bulk
from clipper_sls.service.bulk_asking import RowAsker
from clipper_sls.service.bulk_scoring import BulkScoring, start_of
from clipper_sls.testing.bulk import FakeBulkPredictor

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

class Forgetful(FakeBulkPredictor):
    async def predict(self, inputs):
        answers = await super().predict(inputs)
        self.batches.clear()
        return answers

source, out = sys.argv[1:]
wanted = WantedColumns(InputType.STRINGS)
files = bulk_files(source, out, wanted, input_format=None, output_format=None)
asker = RowAsker(predictor=Forgetful(), pace=Pace(1000), clock=clock_for_bulk(), chance=random.Random(1))
scoring = BulkScoring(source=files.source, output=files.output, ask=asker.ask, lines=lines_for(files.output_format, ()),
                      chunk_rows=1000, concurrency=4, observed=lambda _: None)
before = peak()
run = BulkRun("app", None, source, "", (), (), files.output_format)
start = start_of(run, files.output, may_resume=True, may_replace=False)
done = asyncio.run(scoring.run(start))
files.output.close()
print(done.counts.rows, peak() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_large_file_takes_little_memory(tmp_path: Path, suffix: str) -> None:
    source, out = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    line = f'"{"x" * 1_997}"\n'
    rows = FILE_BYTES // len(line)
    with source.open("w") as file:
        if suffix == "csv":
            file.write("text\n")
        for _ in range(rows):
            file.write(line)
    command = [sys.executable, "-c", RUN, str(source), str(out)]
    scored, taken = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    assert scored == rows
    assert out.stat().st_size > FILE_BYTES * 0.9
    assert taken < LIMIT_BYTES, f"{taken / 1e6:.0f} MB more than before"
