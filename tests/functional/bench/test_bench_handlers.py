"""`python -m bench.handlers`, short: everything is measured. How fast is not tested."""

import re
import subprocess
import sys

import pytest

PREDICTION = re.compile(r"\| (cache \w+), us of processor time \| \d+ \(\d+\) \| \d+ \|")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_imports_and_predictions_are_measured() -> None:
    command = [sys.executable, "-m", "bench.handlers", "--rounds", "1", "--calls", "5"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=250).stdout
    assert re.search(r"\| import of the query handler, of the plain application's \| 0\.\d+ \|", printed)
    assert PREDICTION.findall(printed) == ["cache miss", "cache hit"]
